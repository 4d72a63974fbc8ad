// What the reader has chosen, and the same as the address's fragment, so that a view can be kept.

import { FACETS, LIMITED } from "./model.js";

const WORDS = ["task", "text", "latency", "memory", "colour", "cell"];

/** The view a page opens with: the task with most systems, and the latency that most have. */
export function firstView(data) {
  const having = (task, name) =>
    data.rows.filter((row) => row.tasks[task]?.[name] !== undefined).length;
  const systems = (task) => data.rows.filter((row) => Object.hasOwn(row.tasks, task)).length;
  const names = data.tasks.map((task) => task.name);
  const task = names.reduce((best, name) => (systems(name) > systems(best) ? name : best), names[0]);
  const all = (name) => names.reduce((sum, one) => sum + having(one, name), 0);
  const latency = all("latency_s") > all("latency_p90_s") ? "latency_s" : "latency_p90_s";
  const colour = new Set(data.rows.map((row) => row.submitter)).size > 1 ? "submitter" : "device";
  return {
    task, text: "", latency, memory: "ram_bytes", colour, cell: "latency",
    meets: false, facets: {}, limits: {}, sort: [latency, "ascending"], chosen: [],
  };
}

/** The view as a fragment; what is as the page opens with is left out. */
export function toFragment(view, first) {
  const words = new URLSearchParams();
  for (const key of WORDS) if (view[key] !== first[key]) words.set(key, view[key]);
  if (view.meets) words.set("meets", "yes");
  if (String(view.sort) !== String(first.sort)) words.set("sort", view.sort.join(" "));
  for (const [key, most] of Object.entries(view.limits)) words.set(`max-${key}`, most);
  for (const [key, values] of Object.entries(view.facets))
    for (const value of values) words.append(`is-${key}`, value);
  if (view.chosen.length) words.set("chosen", view.chosen.join(" "));
  return words.toString();
}

/** The view of a fragment; whatever it says that is unknown here is passed over. */
export function fromFragment(fragment, first, data) {
  const words = new URLSearchParams(fragment);
  const view = { ...first, facets: {}, limits: {} };
  const known = {
    task: data.tasks.map((task) => task.name),
    latency: ["latency_s", "latency_p90_s"],
    memory: ["ram_bytes", "flash_bytes"],
    colour: FACETS.map(([key]) => key),
    cell: ["latency", "energy", "memory"],
  };
  for (const key of WORDS)
    if (words.has(key) && (known[key]?.includes(words.get(key)) ?? true)) view[key] = words.get(key);
  view.meets = words.get("meets") === "yes";
  const [name, direction] = (words.get("sort") ?? "").split(" ");
  if (name && ["ascending", "descending"].includes(direction)) view.sort = [name, direction];
  for (const key of LIMITED) {
    const most = Number(words.get(`max-${key}`));
    if (most > 0) view.limits[key] = most;
  }
  for (const [key] of FACETS) {
    const values = words.getAll(`is-${key}`);
    if (values.length) view.facets[key] = values;
  }
  const ids = (words.get("chosen") ?? "").split(" ").filter((id) => /^\d{1,7}$/.test(id));
  view.chosen = [...new Set(ids.map(Number))].filter((id) => id < data.rows.length);
  return view;
}
