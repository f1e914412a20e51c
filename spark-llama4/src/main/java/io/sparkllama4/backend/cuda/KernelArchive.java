package io.sparkllama4.backend.cuda;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;

/// The compiled kernels: for each target an image of every file of kernels, ready for
/// `cuModuleLoadData`, and the figures of each kernel.
///
/// The archive is a resource that `bin/cuda-kernels` writes. Entries are `sm_90/matmul.cubin`,
/// `compute_80/matmul.ptx` and `sm_90/kernels.csv`.
public final class KernelArchive {
  /// Where it lies, from this class.
  public static final String RESOURCE = "kernels.zip";

  /// The figures of a target's kernels, in its folder.
  public static final String FIGURES = "kernels.csv";

  private final SortedMap<String, byte[]> entries;

  private KernelArchive(SortedMap<String, byte[]> entries) {
    this.entries = entries;
  }

  /// The archive on the class path.
  ///
  /// @throws IllegalStateException when there is none
  public static KernelArchive open() {
    try (InputStream zip = KernelArchive.class.getResourceAsStream(RESOURCE)) {
      if (zip == null) {
        throw new IllegalStateException(
            String.format(
                Locale.ROOT,
                "The class path lacks the kernel archive [%s] beside %s: the jar is incomplete",
                RESOURCE,
                KernelArchive.class.getName()));
      }
      return read(zip.readAllBytes());
    } catch (IOException e) {
      throw new UncheckedIOException("The kernel archive [" + RESOURCE + "] cannot be read", e);
    }
  }

  /// The archive whose file holds `zip`.
  public static KernelArchive read(byte[] zip) throws IOException {
    SortedMap<String, byte[]> entries = new TreeMap<>();
    try (ZipInputStream in = new ZipInputStream(new ByteArrayInputStream(zip))) {
      for (ZipEntry entry = in.getNextEntry(); entry != null; entry = in.getNextEntry()) {
        entries.put(entry.getName(), in.readAllBytes());
      }
    }
    if (entries.isEmpty()) {
      throw new IOException(
          String.format(Locale.ROOT, "The kernel archive, %,d bytes, holds nothing", zip.length));
    }
    return new KernelArchive(entries);
  }

  /// The name of an image in the archive.
  public static String entry(KernelTarget target, String module) {
    return target.architecture() + "/" + module + (target.isMachineCode() ? ".cubin" : ".ptx");
  }

  /// All that it holds, by name.
  public SortedMap<String, byte[]> entries() {
    return Collections.unmodifiableSortedMap(entries);
  }

  /// The images of a target by module, in the order of their names. PTX ends with a zero byte, as
  /// the driver wants it.
  public Map<String, byte[]> images(KernelTarget target) {
    String folder = target.architecture() + "/";
    Map<String, byte[]> images = new LinkedHashMap<>();
    entries.forEach(
        (name, bytes) -> {
          String module = name.substring(name.lastIndexOf('/') + 1).replaceFirst("\\.\\w+$", "");
          if (name.equals(entry(target, module))) {
            images.put(module, bytes);
          }
        });
    if (images.isEmpty()) {
      throw new IllegalStateException("The kernel archive has nothing in [" + folder + "]");
    }
    return images;
  }

  /// The kernels of a target by name. Of PTX only names, modules and threads are known, which are
  /// those of the oldest machine code; what else it takes is the driver's choice.
  public SortedMap<String, KernelFigures> kernels(KernelTarget target) {
    KernelTarget compiled = target.isMachineCode() ? target : KernelTarget.SM_80;
    String name = compiled.architecture() + "/" + FIGURES;
    byte[] table = entries.get(name);
    if (table == null) {
      throw new IllegalStateException("The kernel archive lacks [" + name + "]");
    }
    SortedMap<String, KernelFigures> kernels = new TreeMap<>();
    new String(table, StandardCharsets.UTF_8)
        .lines()
        .skip(1)
        .map(KernelFigures::of)
        .forEach(figures -> kernels.put(figures.kernel(), figures));
    return kernels;
  }
}
