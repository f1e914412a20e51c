package io.sparkllama4.cubins;

import io.sparkllama4.backend.cuda.KernelArchive;
import io.sparkllama4.backend.cuda.KernelFigures;
import io.sparkllama4.backend.cuda.KernelTarget;
import io.sparkllama4.cubins.ffi.Nvrtc;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SortedMap;
import java.util.StringJoiner;
import java.util.TreeMap;
import java.util.zip.Deflater;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/// Compiles sources for all targets: one image for each file of kernels and target.
final class KernelCompiler {
  /// The version whose machine code all drivers of CUDA 12 and later load.
  static final String VERSION = "12.9";

  /// What every file is compiled with, besides its target.
  ///
  /// Nothing is contracted that is not written as `fmaf`: else two kernels that say the same would
  /// differ in the last bit.
  static final List<String> OPTIONS =
      List.of(
          "--std=c++17",
          "--device-as-default-execution-space",
          "--fmad=false",
          "--ptxas-options=-v");

  /// Of every entry, so that equal content makes equal files.
  private static final LocalDateTime TIME = LocalDateTime.of(2000, 1, 1, 0, 0);

  private final Nvrtc nvrtc;

  /// A compiler that is `nvrtc`.
  KernelCompiler(Nvrtc nvrtc) {
    if (!nvrtc.version().equals(VERSION)) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "The kernels are compiled with NVRTC %s; this is %s",
              VERSION,
              nvrtc.version()));
    }
    this.nvrtc = nvrtc;
  }

  /// What the archive of `sources` holds, by name.
  SortedMap<String, byte[]> compile(KernelSources sources) {
    SortedMap<String, byte[]> entries = new TreeMap<>();
    for (KernelTarget target : KernelTarget.values()) {
      StringJoiner figures = new StringJoiner("\n", "", "\n").add(KernelFigures.COLUMNS);
      sources
          .kernels()
          .forEach(
              (file, source) -> {
                Nvrtc.Result result = compile(file, source, sources.headers(), target);
                String module = file.substring(0, file.lastIndexOf('.'));
                entries.put(KernelArchive.entry(target, module), result.image());
                if (target.isMachineCode()) {
                  figures(module, result).forEach(line -> figures.add(line.line()));
                }
              });
      if (target.isMachineCode()) {
        entries.put(
            target.architecture() + "/" + KernelArchive.FIGURES,
            figures.toString().getBytes(StandardCharsets.UTF_8));
      }
    }
    return entries;
  }

  /// Compiles one file; an error or a warning fails.
  Nvrtc.Result compile(
      String file, String source, Map<String, String> headers, KernelTarget target) {
    List<String> options = new ArrayList<>();
    options.add("--gpu-architecture=" + target.architecture());
    options.addAll(OPTIONS);
    Nvrtc.Result result = nvrtc.compile(file, source, headers, options, target.isMachineCode());
    String complaints = CompilerLog.complaints(result.log());
    if (result.image().length == 0 || !complaints.isEmpty()) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "NVRTC %s refuses %s for %s:%n%s",
              VERSION,
              file,
              target.architecture(),
              complaints));
    }
    return result;
  }

  /// The figures of the kernels of a module, in the order of their names.
  private static List<KernelFigures> figures(String module, Nvrtc.Result result) {
    Cubin cubin = new Cubin(result.image());
    List<KernelFigures> figures = new ArrayList<>();
    CompilerLog.kernels(result.log())
        .forEach(
            (kernel, usage) ->
                figures.add(
                    new KernelFigures(
                        kernel,
                        module,
                        cubin.kernel(kernel).threads(),
                        usage.registers(),
                        usage.sharedBytes(),
                        usage.stackBytes(),
                        usage.spilledBytes())));
    return figures;
  }

  /// An archive of `entries`: the same bytes whenever it is made.
  static byte[] archive(SortedMap<String, byte[]> entries) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      zip.setLevel(Deflater.BEST_COMPRESSION);
      for (Map.Entry<String, byte[]> entry : entries.entrySet()) {
        ZipEntry header = new ZipEntry(entry.getKey());
        header.setTimeLocal(TIME);
        zip.putNextEntry(header);
        zip.write(entry.getValue());
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }
}
