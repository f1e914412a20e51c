package io.sparkllama4.weights;

import io.sparkllama4.error.Llama4Exception;
import io.sparkllama4.tensor.Allocator;
import io.sparkllama4.tensor.NativeArena;
import io.sparkllama4.tensor.Tensor;
import io.sparkllama4.tensor.TensorSpec;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/// The weights of one checkpoint as one backend reads them, in a file that every later start maps
/// instead of packing them again: processes of one machine then share one copy in memory.
///
/// The file is in the safetensors format. What it was made from stands in its metadata, with a
/// checksum of every block. A file that was made from anything else, or is damaged, is as good as
/// none; that the cache cannot be used is never a failure, but always a warning.
public final class PackedCache {
  /// Cache lines and vectors never straddle the beginning of a tensor.
  private static final int ALIGNMENT = 64;

  private final Path file;
  private final Map<String, String> origin;
  private final SafetensorsWriter layout;
  private final int threads;

  /// What the file is made from.
  ///
  /// @param digest of the checkpoint
  /// @param layout the backend's name for the order of the bytes
  /// @param form label of the weights' form
  public record Key(String digest, String layout, String form) {
    private static final int DIGITS = 32;

    String fileName() {
      String digits = digest.substring(digest.indexOf(':') + 1);
      return digits.substring(0, Math.min(DIGITS, digits.length()))
          + "."
          + layout
          + "."
          + form
          + ".safetensors";
    }
  }

  /// @param directory where files are kept; made when something is written
  /// @param plan the tensors in the order in which a backend allocates them
  /// @param threads how many threads compute checksums
  public PackedCache(Path directory, Key key, List<TensorSpec> plan, int threads) {
    this.file = directory.resolve(key.fileName());
    this.origin = new LinkedHashMap<>();
    origin.put("checkpoint", key.digest());
    origin.put("layout", key.layout());
    origin.put("weights", key.form());
    Map<String, TensorSpec> named = new LinkedHashMap<>();
    for (TensorSpec spec : plan) {
      named.put("packed." + named.size(), spec);
    }
    this.layout = new SafetensorsWriter(named, ALIGNMENT);
    this.threads = threads;
  }

  /// Where the file is, or will be.
  public Path file() {
    return file;
  }

  /// The bytes of the weights in the file.
  public long bytes() {
    return layout.dataBytes();
  }

  /// What makes a file useless.
  private static final class UselessException extends Exception {
    private static final long serialVersionUID = 1L;

    private final String code;

    UselessException(String code, String reason) {
      super(reason);
      this.code = code;
    }
  }

  /// The weights in the file, mapped and checked, as an allocator that hands them out in their
  /// order; empty where there is no file or it is useless.
  ///
  /// @param warnings told why a file that is there is not used
  public Optional<Allocator> open(Consumer<Warning> warnings) {
    if (!Files.exists(file)) {
      return Optional.empty();
    }
    NativeArena arena = new NativeArena();
    try {
      return Optional.of(new Filled(map(arena), arena));
    } catch (UselessException e) {
      arena.close();
      warnings.accept(useless(e.code, String.valueOf(e.getMessage())));
    } catch (Llama4Exception e) {
      arena.close();
      warnings.accept(useless("PACKED_CACHE_DAMAGED", String.valueOf(e.getMessage())));
    } catch (IOException e) {
      arena.close();
      warnings.accept(useless("PACKED_CACHE_DAMAGED", "it cannot be read: " + e));
    } catch (RuntimeException | Error e) {
      arena.close();
      throw e;
    }
    return Optional.empty();
  }

  private Warning useless(String code, String reason) {
    return new Warning(
        code,
        "The packed weights in "
            + file
            + " are not used, but packed and written again: "
            + reason
            + ". Delete the file if this is said at every start");
  }

  private List<Tensor> map(NativeArena arena) throws IOException, UselessException {
    try (FileChannel channel = FileChannel.open(file)) {
      SafetensorsHeader header = SafetensorsHeader.read(file.toString(), channel);
      for (Map.Entry<String, String> made : origin.entrySet()) {
        String found = header.metadata().getOrDefault(made.getKey(), "nothing");
        if (!found.equals(made.getValue())) {
          throw new UselessException(
              "PACKED_CACHE_STALE",
              "it was made for the "
                  + made.getKey()
                  + " ["
                  + found
                  + "], not ["
                  + made.getValue()
                  + "]");
        }
      }
      requirePlanned(header);
      MemorySegment bytes = arena.map(channel, 0, channel.size());
      List<Tensor> tensors = new ArrayList<>();
      for (Map.Entry<String, TensorSpec> planned : layout.tensors().entrySet()) {
        StoredTensor stored = header.tensor(planned.getKey());
        MemorySegment data = bytes.asSlice(header.dataStart() + stored.begin(), stored.bytes());
        tensors.add(new Tensor(planned.getValue().dtype(), stored.shape(), data));
      }
      String sums = header.metadata().getOrDefault(BlockSums.KEY, "");
      if (!sums.equals(BlockSums.of(tensors, threads))) {
        throw new UselessException(
            "PACKED_CACHE_DAMAGED", "its checksums are not those of its data");
      }
      return tensors;
    }
  }

  private void requirePlanned(SafetensorsHeader header) throws UselessException {
    for (Map.Entry<String, TensorSpec> planned : layout.tensors().entrySet()) {
      StoredTensor stored = header.tensors().get(planned.getKey());
      TensorSpec spec = planned.getValue();
      if (stored == null
          || !stored.typeName().equals(spec.dtype().name())
          || !stored.shape().equals(spec.shape())
          || stored.begin() % ALIGNMENT != 0) {
        throw new UselessException(
            "PACKED_CACHE_DAMAGED",
            "its tensor ["
                + planned.getKey()
                + "] is ["
                + stored
                + "], not "
                + spec.dtype()
                + spec.shape());
      }
    }
  }

  /// Tensors that are there already.
  private static final class Filled implements Allocator {
    private final List<Tensor> tensors;
    private final NativeArena arena;
    private int next;

    Filled(List<Tensor> tensors, NativeArena arena) {
      this.tensors = tensors;
      this.arena = arena;
    }

    @Override
    public Tensor allocate(io.sparkllama4.tensor.DType dtype, long... sizes) {
      Tensor tensor = tensors.get(next++);
      TensorSpec asked = TensorSpec.of(dtype, sizes);
      if (tensor.dtype() != dtype || !tensor.shape().equals(asked.shape())) {
        throw new IllegalStateException("Asked for " + asked + ", which is not what was planned");
      }
      return tensor;
    }

    @Override
    public boolean isFilled() {
      return true;
    }

    @Override
    public long bytes() {
      return arena.bytes();
    }

    @Override
    public void close() {
      arena.close();
    }
  }

  /// Writes the file, in the place of one that may be there.
  ///
  /// @param tensors those of the plan
  /// @param warnings told where it could not be written
  /// @return whether it was written
  public boolean write(List<Tensor> tensors, Consumer<Warning> warnings) {
    try {
      Files.createDirectories(file.toAbsolutePath().getParent());
      UnfinishedFile.removeLeftovers(file);
      try (UnfinishedFile unfinished = UnfinishedFile.create(file)) {
        Map<String, String> metadata = new LinkedHashMap<>(origin);
        metadata.put(BlockSums.KEY, BlockSums.of(tensors, threads));
        var header = layout.header(metadata);
        long start = header.remaining();
        FileChannel channel = unfinished.channel();
        SafetensorsWriter.writeFully(channel, header, 0);
        int index = 0;
        for (String name : layout.tensors().keySet()) {
          BlockSums.forEachBlock(
              tensors.get(index++),
              start + layout.begin(name),
              (block, at) -> SafetensorsWriter.writeFully(channel, block.asByteBuffer(), at));
        }
        unfinished.finish();
      }
      return true;
    } catch (IOException e) {
      warnings.accept(
          new Warning(
              "PACKED_CACHE_NOT_WRITTEN",
              "Packed weights of ["
                  + bytes()
                  + "] bytes cannot be written to "
                  + file
                  + ", so that every start packs them anew: "
                  + e
                  + ". Name a directory with that much room that can be written (--weights-cache,"
                  + " spark.llama4.weights.cache), or none"));
      return false;
    }
  }
}
