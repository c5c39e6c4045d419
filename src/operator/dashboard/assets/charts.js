/* global uPlot */
// Draws the overview's charts from the figures that the page carries, and again when these are refreshed.

const strokes = ['--accent', '--ink', '--muted', '--accent', '--ink', '--muted', '--accent'];
const dashes = [[], [6, 4], [2, 3], [6, 4], [2, 3], [6, 4], [2, 3]];
const height = 190;
/** A short outage is seen in a day, too. */
const leastShadePx = 2;
const plots = new Map();

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function formatMs(ms) {
  if (ms === null || ms === undefined) return '–';
  if (ms < 1000) return `${ms < 10 ? Number(ms.toFixed(1)) : Math.round(ms)} ms`;
  return ms < 60_000 ? `${Number((ms / 1000).toFixed(1))} s` : `${Number((ms / 60_000).toFixed(1))} min`;
}

function formatCount(count) {
  return count === null || count === undefined ? '–' : count.toLocaleString('en-US');
}

function formatMinute(sec) {
  return new Date(sec * 1000).toISOString().slice(11, 16);
}

function drawOutages(plot, shaded) {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.fillStyle = colour('--shade');
  for (const [from, to] of shaded) {
    const left = Math.max(plot.valToPos(from, 'x', true), bbox.left);
    const right = Math.min(plot.valToPos(to, 'x', true), bbox.left + bbox.width);
    if (right > bbox.left) ctx.fillRect(left, bbox.top, Math.max(right - left, leastShadePx), bbox.height);
  }
  ctx.restore();
}

/** Lines for these only: the scale has nine between each two. */
function wholePower(value) {
  return Number.isInteger(Math.log10(value)) ? value : null;
}

/** Whole powers of ten; some even when nothing was measured. */
function rangeOfLatency(_plot, min, max) {
  return min === null ? [1, 1000] : uPlot.rangeLog(min, max, 10, true);
}

function optionsFor(chart, figure) {
  const isLatency = chart.unit === 'ms';
  const format = isLatency ? formatMs : formatCount;
  const readout = figure.querySelector('.readout');
  const axis = {
    stroke: colour('--muted'),
    font: '12px system-ui, sans-serif',
    grid: { stroke: colour('--rule'), width: 1 },
    ticks: { show: false },
  };
  return {
    width: figure.querySelector('.plot').clientWidth,
    height,
    padding: [8, 20, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
    scales: {
      x: { time: true },
      y: isLatency
        ? { distr: 3, range: rangeOfLatency }
        : { range: (_plot, _min, max) => [0, Math.max(max ?? 0, 1) * 1.1] },
    },
    axes: [
      { ...axis, size: 30, values: (_plot, splits) => splits.map(formatMinute) },
      {
        ...axis,
        size: 62,
        grid: { ...axis.grid, filter: (_plot, splits) => (isLatency ? splits.map(wholePower) : splits) },
        values: (_plot, splits) => splits.map((value) => (value === null ? '' : format(value))),
      },
    ],
    series: [
      {},
      ...chart.labels.map((label, index) => ({
        label,
        stroke: colour(strokes[index % strokes.length]),
        width: 1.6,
        dash: dashes[index % dashes.length],
        points: { show: (plot, series, from, to) => to - from < 1 || isSparse(plot.data[series]), size: 4 },
      })),
    ],
    hooks: {
      drawClear: [(plot) => drawOutages(plot, figures().charts.find(({ id }) => id === chart.id)?.shaded ?? [])],
      setCursor: [
        (plot) => {
          const { idx } = plot.cursor;
          const at = idx === null || idx === undefined ? undefined : plot.data[0][idx];
          const values = chart.labels.map((label, index) => `${label} ${format(plot.data[index + 1][idx])}`);
          readout.textContent = at === undefined ? '' : `${formatMinute(at)} UTC · ${values.join(' · ')}`;
        },
      ],
    },
  };
}

/** A value between gaps would not be seen as a line. */
function isSparse(values) {
  return values.some((value, index) => value !== null && values[index - 1] === null && values[index + 1] === null);
}

let parsed = { text: '', figures: { atSec: [], charts: [] } };
function figures() {
  const text = document.querySelector('[data-figures]')?.dataset.figures ?? '';
  if (text !== '' && text !== parsed.text) parsed = { text, figures: JSON.parse(text) };
  return parsed.figures;
}

function draw() {
  const { atSec, charts } = figures();
  for (const chart of charts) {
    const figure = [...document.querySelectorAll('[data-chart]')].find(({ dataset }) => dataset.chart === chart.id);
    if (figure === undefined) continue;
    const data = [atSec, ...chart.values];
    const plot = plots.get(chart.id);
    if (plot === undefined) {
      plots.set(chart.id, new uPlot(optionsFor(chart, figure), data, figure.querySelector('.plot')));
    } else plot.setData(data);
    showNote(figure, chart);
  }
}

function showNote(figure, { values, unit, note }) {
  const isEmpty = unit === 'ms' && values.every((series) => series.every((value) => value === null));
  const notes = [...(isEmpty ? ['nothing measured'] : []), ...(note === '' ? [] : [note])];
  figure.querySelector('.note').textContent = notes.join(', ');
}

function drawAnew() {
  for (const plot of plots.values()) plot.destroy();
  plots.clear();
  draw();
}

draw();
document.addEventListener('htmx:afterSwap', (event) => {
  if (event.detail.target.id === 'history') draw();
});
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawAnew);
addEventListener('resize', () => {
  for (const plot of plots.values()) plot.setSize({ width: plot.root.parentElement.clientWidth, height });
});
