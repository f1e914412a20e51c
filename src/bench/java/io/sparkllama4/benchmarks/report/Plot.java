package io.sparkllama4.benchmarks.report;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.geom.Rectangle2D;
import java.text.NumberFormat;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jfree.chart.JFreeChart;
import org.jfree.chart.axis.LogAxis;
import org.jfree.chart.axis.NumberTickUnit;
import org.jfree.chart.plot.XYPlot;
import org.jfree.chart.renderer.xy.XYLineAndShapeRenderer;
import org.jfree.data.xy.XYSeries;
import org.jfree.data.xy.XYSeriesCollection;
import org.jfree.svg.SVGGraphics2D;

/// Tokens per second of decoding over the number of sequences, one line for each engine and form of
/// the weights.
final class Plot {
  private static final int WIDTH = 760;
  private static final int HEIGHT = 420;
  private static final List<Color> COLORS =
      List.of(
          new Color(0x1f77b4),
          new Color(0xd62728),
          new Color(0x2ca02c),
          new Color(0x9467bd),
          new Color(0xff7f0e),
          new Color(0x17becf));

  private Plot() {}

  /// An SVG of recordings of one model on one machine; empty where none of them decodes several
  /// numbers of sequences.
  static Optional<String> svg(List<Recording> recordings) {
    XYSeriesCollection lines = new XYSeriesCollection();
    XYLineAndShapeRenderer renderer = new XYLineAndShapeRenderer(true, true);
    int number = 0;
    for (Recording recording : recordings) {
      String weights = recording.first().at("/backend/weights").asText("weights");
      XYSeries ours = new XYSeries("spark-llama4 " + weights);
      XYSeries others = new XYSeries(recording.other().orElse("other") + " " + weights);
      for (Recording.Key key : recording.cases()) {
        if (key.name().equals("decode")) {
          ours.add(key.n(), Recording.median(recording.ours(key, "median")));
          List<Double> speeds = recording.others(key);
          if (!speeds.isEmpty()) {
            others.add(key.n(), Recording.median(speeds));
          }
        }
      }
      Color color = COLORS.get(number++ % COLORS.size());
      add(lines, renderer, ours, color, false);
      add(lines, renderer, others, color, true);
    }
    return lines.getSeriesCount() == 0 ? Optional.empty() : Optional.of(draw(lines, renderer));
  }

  private static void add(
      XYSeriesCollection lines,
      XYLineAndShapeRenderer renderer,
      XYSeries series,
      Color color,
      boolean isDashed) {
    if (series.getItemCount() < 2) {
      return;
    }
    int index = lines.getSeriesCount();
    lines.addSeries(series);
    renderer.setSeriesPaint(index, color);
    renderer.setSeriesShape(index, new Rectangle2D.Double(-2.5, -2.5, 5, 5));
    float[] dashes = {6, 4};
    renderer.setSeriesStroke(
        index,
        isDashed
            ? new BasicStroke(1.5f, BasicStroke.CAP_BUTT, BasicStroke.JOIN_ROUND, 1, dashes, 0)
            : new BasicStroke(2));
  }

  private static String draw(XYSeriesCollection lines, XYLineAndShapeRenderer renderer) {
    XYPlot plot = new XYPlot(lines, axis("sequences side by side"), axis("tokens/s"), renderer);
    plot.setBackgroundPaint(Color.WHITE);
    plot.setDomainGridlinePaint(Color.LIGHT_GRAY);
    plot.setRangeGridlinePaint(Color.LIGHT_GRAY);
    JFreeChart chart = new JFreeChart("Decoding", JFreeChart.DEFAULT_TITLE_FONT, plot, true);
    chart.setBackgroundPaint(Color.WHITE);
    SVGGraphics2D graphics = new SVGGraphics2D(WIDTH, HEIGHT);
    // Equal figures give equal bytes.
    graphics.setDefsKeyPrefix("decoding");
    chart.draw(graphics, new Rectangle2D.Double(0, 0, WIDTH, HEIGHT));
    return graphics.getSVGElement() + "\n";
  }

  /// Powers of two on a logarithmic scale.
  private static LogAxis axis(String label) {
    LogAxis axis = new LogAxis(label);
    axis.setBase(2);
    axis.setTickUnit(new NumberTickUnit(1, NumberFormat.getIntegerInstance(Locale.ROOT), 1));
    axis.setNumberFormatOverride(NumberFormat.getIntegerInstance(Locale.ROOT));
    axis.setMinorTickMarksVisible(false);
    return axis;
  }
}
