package io.sparkllama4.backend.cuda;

import io.sparkllama4.backend.RankThreads;
import io.sparkllama4.tensor.DType;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntConsumer;

/// The devices that share one model with a first one.
final class CudaRanks implements AutoCloseable {
  private final RankThreads threads;
  private final List<CudaBackend> others = new ArrayList<>();

  private final Collectives collectives;

  private CudaRanks(CudaPeers peers, Collectives collectives) {
    this.collectives = collectives;
    threads = new RankThreads(peers.meeting());
  }

  /// What all ranks have in common.
  ///
  /// @param archive the kernels
  /// @param kvType of keys and values
  /// @param strict whether inputs of products are exact to 2^-16
  record Settings(KernelArchive archive, DType kvType, boolean strict) {}

  /// The first of the ranks on `devices`, which are closed with it, or here where it fails.
  static CudaBackend open(List<CudaDevice> devices, Settings settings) {
    if (devices.size() == 1) {
      return new CudaBackend(devices.getFirst(), settings, (_, _, _) -> CudaLink.ALONE);
    }
    for (CudaDevice device : devices) {
      for (CudaDevice other : devices) {
        if (device != other) {
          // Without it copies go through the host: slower, and as right.
          device.enablePeer(other);
        }
      }
    }
    CudaPeers peers = new CudaPeers(devices.size());
    Collectives collectives = Collectives.open(devices, settings.strict());
    CudaRanks group = new CudaRanks(peers, collectives);
    List<CudaBackend> made = new ArrayList<>();
    for (int i = 0; i < devices.size(); i++) {
      int rank = i;
      made.add(
          new CudaBackend(
              devices.get(rank),
              settings,
              (kernels, stream, scratch) ->
                  collectives.over(peers.link(rank, kernels, stream, scratch), rank, stream)));
    }
    group.others.addAll(made.subList(1, made.size()));
    return made.getFirst().leading(group);
  }

  /// The ranks but the first.
  List<CudaBackend> others() {
    return List.copyOf(others);
  }

  /// How sums over ranks are taken, and why so.
  String detail() {
    return collectives.detail();
  }

  /// Runs `body` on all devices' threads, and returns when none runs any more.
  void run(CudaBackend first, IntConsumer body) {
    threads.run(rank -> (rank == 0 ? first : others.get(rank - 1)).stepHere(rank, body));
  }

  @Override
  public void close() {
    Failures failures = new Failures();
    threads.close();
    failures.attempt(collectives::close);
    others.forEach(other -> failures.attempt(other::close));
    failures.rethrow();
  }
}
