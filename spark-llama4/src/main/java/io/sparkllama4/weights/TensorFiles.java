package io.sparkllama4.weights;

import com.fasterxml.jackson.databind.JsonNode;
import io.sparkllama4.error.ErrorCode;
import io.sparkllama4.error.ErrorReport;
import io.sparkllama4.tensor.DType;
import io.sparkllama4.tensor.NativeArena;
import io.sparkllama4.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/// The safetensors files of a directory: which tensor lies in which, and where.
final class TensorFiles {
  private static final String SINGLE = "model.safetensors";
  private static final String INDEX = "model.safetensors.index.json";

  /// One file, mapped whole.
  private record Shard(SafetensorsHeader header, Path path, MemorySegment bytes) {}

  private final Map<String, Shard> shardOfTensor = new LinkedHashMap<>();
  private final List<Shard> shards = new ArrayList<>();

  /// Opens, checks and maps all files.
  ///
  /// @param arena owns the mappings
  static TensorFiles open(Path directory, NativeArena arena) {
    TensorFiles files = new TensorFiles();
    if (Files.exists(directory.resolve(SINGLE))) {
      files.add(directory, SINGLE, arena);
      return files;
    }
    if (!Files.exists(directory.resolve(INDEX))) {
      throw ErrorReport.of(
              ErrorCode.MISSING_FILE,
              "Cannot find weights in " + directory + ": neither " + SINGLE + " nor " + INDEX)
          .file(SINGLE)
          .exception();
    }
    Map<String, String> fileOfTensor = readIndex(directory);
    for (String file : new TreeSet<>(fileOfTensor.values())) {
      files.add(directory, file, arena);
    }
    fileOfTensor.forEach(files::requireInShard);
    return files;
  }

  private static Map<String, String> readIndex(Path directory) {
    JsonNode index = JsonFiles.readObject(directory.resolve(INDEX), ErrorCode.INVALID_HEADER);
    JsonNode map = index.path("weight_map");
    if (!map.isObject()) {
      throw ErrorReport.of(ErrorCode.INVALID_HEADER, "Cannot use " + INDEX + ": no weight_map")
          .file(INDEX)
          .found(map.getNodeType(), "an object of tensor names and files")
          .exception();
    }
    Map<String, String> files = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> entry : map.properties()) {
      if (!entry.getValue().isTextual()) {
        throw ErrorReport.of(
                ErrorCode.INVALID_HEADER, "Cannot use " + INDEX + ": a file is no text")
            .file(INDEX)
            .tensor(entry.getKey())
            .found(entry.getValue().getNodeType(), "the name of a file")
            .exception();
      }
      String file = entry.getValue().textValue();
      requireInside(directory, file, entry.getKey());
      files.put(entry.getKey(), file);
    }
    return files;
  }

  /// Refuses names that lead out of the directory, before anything is opened.
  private static void requireInside(Path directory, String file, String tensor) {
    boolean inside;
    try {
      Path base = directory.toAbsolutePath().normalize();
      Path path = base.resolve(file).normalize();
      inside = !Path.of(file).isAbsolute() && path.startsWith(base) && !path.equals(base);
      inside &= !file.contains("..") && !file.contains("\\");
      inside = inside && (!Files.exists(path) || staysInside(directory, path));
    } catch (InvalidPathException e) {
      inside = false;
    } catch (IOException e) {
      throw JsonFiles.unreadable(file, e);
    }
    if (!inside) {
      throw ErrorReport.of(
              ErrorCode.PATH_ESCAPE, "The index names a file outside the checkpoint's directory")
          .file(INDEX)
          .tensor(tensor)
          .found(file, "a file in the directory")
          .exception();
    }
  }

  /// True where no link on the way to `path` leads out, for links may come with a directory as its
  /// index does. Hugging Face's cache is the exception: the files of `snapshots/<revision>` are
  /// links to the `blobs` beside `snapshots`.
  private static boolean staysInside(Path directory, Path path) throws IOException {
    Path base = directory.toRealPath();
    Path real = path.toRealPath();
    Path snapshots = base.getParent();
    boolean isBlob =
        snapshots != null
            && snapshots.endsWith("snapshots")
            && real.startsWith(snapshots.resolveSibling("blobs"));
    return real.startsWith(base) || isBlob;
  }

  private void add(Path directory, String file, NativeArena arena) {
    Path path = directory.resolve(file);
    if (!Files.isRegularFile(path)) {
      throw ErrorReport.of(ErrorCode.MISSING_FILE, "Cannot find " + path).file(file).exception();
    }
    try (FileChannel channel = FileChannel.open(path)) {
      SafetensorsHeader header = SafetensorsHeader.read(file, channel);
      Shard shard = new Shard(header, path, arena.map(channel, 0, channel.size()));
      shards.add(shard);
      for (String name : header.tensors().keySet()) {
        Shard other = shardOfTensor.put(name, shard);
        if (other != null) {
          throw ErrorReport.of(ErrorCode.DUPLICATE_TENSOR, "A tensor lies in two files")
              .file(file)
              .tensor(name)
              .found("also in " + other.header().file(), "one file")
              .exception();
        }
      }
    } catch (IOException e) {
      throw JsonFiles.unreadable(file, e);
    }
  }

  private void requireInShard(String tensor, String file) {
    Shard shard = shardOfTensor.get(tensor);
    if (shard == null || !shard.header().file().equals(file)) {
      throw ErrorReport.of(
              ErrorCode.MISSING_TENSOR, "A tensor is not in the file that the index names")
          .file(file)
          .tensor(tensor)
          .found(shard == null ? "nowhere" : "in " + shard.header().file(), "in " + file)
          .exception();
    }
  }

  /// The number of files.
  int count() {
    return shards.size();
  }

  /// All names.
  Set<String> names() {
    return shardOfTensor.keySet();
  }

  boolean has(String name) {
    return shardOfTensor.containsKey(name);
  }

  /// The file that holds `name`, or the one that should.
  String fileOf(String name) {
    Shard shard = shardOfTensor.get(name);
    return shard != null ? shard.header().file() : shards.getFirst().header().file();
  }

  /// What the header says of `name`.
  ///
  /// @throws io.sparkllama4.error.Llama4Exception with MISSING_TENSOR
  StoredTensor describe(String name) {
    return shard(name).header().tensor(name);
  }

  private Shard shard(String name) {
    Shard shard = shardOfTensor.get(name);
    if (shard == null) {
      throw ErrorReport.of(ErrorCode.MISSING_TENSOR, "The checkpoint lacks a tensor")
          .file(shards.size() == 1 ? shards.getFirst().header().file() : INDEX)
          .tensor(name)
          .found("nothing", "a tensor of this name")
          .exception();
    }
    return shard;
  }

  /// The tensor `name` where it lies.
  ///
  /// @param dtype its type, as described
  Tensor tensor(String name, DType dtype) {
    Shard shard = shard(name);
    StoredTensor stored = describe(name);
    return new Tensor(
        dtype,
        stored.shape(),
        shard.bytes().asSlice(shard.header().dataStart() + stored.begin(), stored.bytes()));
  }

  /// Every file with its name, for the digest.
  void forEachFile(java.util.function.BiConsumer<String, Path> visitor) {
    for (Shard shard : shards) {
      visitor.accept(shard.header().file(), shard.path());
    }
  }
}
