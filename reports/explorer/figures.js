// Figures for people: units, digits, names. What is emulated is shown as instructions, not as time.

const DIGITS = 4;
const PREFIXES = [["", 1], ["m", 1e-3], ["µ", 1e-6], ["n", 1e-9]];

const digits = (value) => String(Number(value.toPrecision(DIGITS)));

/** `value` with the SI prefix that leaves one to three digits before the point. */
export function scaled(value, unit) {
  const [prefix, size] = PREFIXES.find(([, step]) => value >= step) ?? PREFIXES.at(-1);
  return value ? `${digits(value / size)} ${prefix}${unit}` : `0 ${unit}`;
}

const kib = (value) => (value >= 1024 ? `${digits(value / 1024)} KiB` : `${value} B`);
const percent = (value) => `${digits(100 * value)} %`;

/** What can be compared. `asked` converts what a person types, in `unit`, to the figure's own. */
export const FIGURES = {
  latency_p90_s: { label: "latency p90", show: (v) => scaled(v, "s"), unit: "ms", asked: 1e-3 },
  latency_s: { label: "latency 1/throughput", show: (v) => scaled(v, "s"), unit: "ms", asked: 1e-3 },
  energy_j: { label: "energy", show: (v) => scaled(v, "J"), unit: "µJ", asked: 1e-6 },
  ram_bytes: { label: "RAM", show: kib, unit: "KiB", asked: 1024 },
  flash_bytes: { label: "flash", show: kib, unit: "KiB", asked: 1024 },
  top1: { label: "top-1", show: percent, higher: true },
  auc: { label: "AUC", show: digits, higher: true },
  false_positives: { label: "false positives", show: String },
  false_negatives: { label: "false negatives", show: String },
  duty_cycle: { label: "duty cycle", show: percent },
};

/** One figure of a system; a dash where it has none. */
export function shown(point, name) {
  const value = point.figures[name];
  if (value === undefined) return "-";
  const instructions = point.figures[`${name}_instructions`];
  if (instructions) return `${instructions.toLocaleString("en")} instr.`;
  const note = point.row.emulated && name.startsWith("latency") ? " (emulated)" : "";
  return FIGURES[name].show(value) + note;
}

/** The name of a system: its board, and which one on the bench. */
export function nameOf(row) {
  const device = row.device ?? "unnamed";
  const named = row.station && !device.includes(`(${row.station})`) && row.station !== device;
  return named ? `${device}, ${row.station}` : device;
}

/** What has to be said with every figure of a system on one task: [kind, words] each. */
export function warnings(point) {
  const { row, figures } = point;
  const said = [];
  if (row.emulated) said.push(["emulated", "emulated"]);
  if (row.mark && !row.mark.startsWith("emulated")) said.push(["warn", row.mark]);
  if (row.data === "STAND-IN") said.push(["warn", "STAND-IN data"]);
  if (figures?.short) said.push(["warn", "short"]);
  if (figures?.firmwares) said.push(["warn", `${figures.firmwares} firmware images`]);
  if (row.record === "changed") said.push(["bad", "CHANGED after sealing"]);
  if (row.record === "not sealed") said.push(["warn", "not sealed"]);
  if (row.record === "as claimed") said.push(["soft", "as claimed"]);
  return said;
}
