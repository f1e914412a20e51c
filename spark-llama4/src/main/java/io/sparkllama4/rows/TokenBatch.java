package io.sparkllama4.rows;

import io.sparkllama4.engine.PromptBatch;
import java.util.ArrayList;
import java.util.List;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.IntVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.complex.ListVector;

/// Prompts of some rows as token ids in one Arrow batch: the form in which they go from the
/// tokenizer to the engine. The task owns it and closes it as soon as the engine has taken its
/// copy.
final class TokenBatch implements PromptBatch, AutoCloseable {
  private final VectorSchemaRoot root;
  private final ListVector lists;
  private final IntVector ids;
  private final List<Task> tasks = new ArrayList<>();
  private final List<Long> timeouts = new ArrayList<>();

  TokenBatch(BufferAllocator allocator) {
    root = VectorSchemaRoot.create(ArrowSchemas.tokens(), allocator);
    lists = (ListVector) root.getVector(ArrowSchemas.IDS);
    ids = (IntVector) lists.getDataVector();
    lists.allocateNew();
  }

  /// Adds a row; returns its place in the batch.
  int add(int[] prompt, Task task, long timeoutNanos) {
    int row = tasks.size();
    int start = lists.startNewValue(row);
    for (int i = 0; i < prompt.length; i++) {
      ids.setSafe(start + i, prompt[i]);
    }
    lists.endValue(row, prompt.length);
    lists.setValueCount(row + 1);
    root.setRowCount(row + 1);
    tasks.add(task);
    timeouts.add(timeoutNanos);
    return row;
  }

  @Override
  public int rows() {
    return tasks.size();
  }

  @Override
  public int promptTokens(int row) {
    return lists.getElementEndIndex(row) - lists.getElementStartIndex(row);
  }

  @Override
  public void copyPrompt(int row, int[] target) {
    ArrowBuf data = ids.getDataBuffer();
    long at = (long) Integer.BYTES * lists.getElementStartIndex(row);
    for (int i = 0; i < promptTokens(row); i++) {
      target[i] = data.getInt(at + (long) Integer.BYTES * i);
    }
  }

  @Override
  public Task task(int row) {
    return tasks.get(row);
  }

  @Override
  public long timeoutNanos(int row) {
    return timeouts.get(row);
  }

  @Override
  public void close() {
    root.close();
  }
}
