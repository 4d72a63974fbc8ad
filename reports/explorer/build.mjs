// Bundles the explorer into one script, with the licences of what is in it at its end.
// `make setup` runs it; tinyhil.publish.results.page puts the script into a page.

import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const output = join(here, "../../plugin/tinyhil/publish/results/explorer.js");

const { outputFiles: [bundle], metafile } = await build({
  absWorkingDir: here,
  entryPoints: ["main.jsx"],
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  jsx: "automatic",
  jsxImportSource: "preact",
  legalComments: "none",
  charset: "ascii",
  metafile: true,
  write: false,
});

/** The name of each package that gave code, from paths such as `../node_modules/d3-array/src/a.js`. */
const [made] = Object.values(metafile.outputs);
const used = Object.entries(made.inputs).filter(([, part]) => part.bytesInOutput).map(([path]) => path);
const packages = new Set(used.map((path) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[0]).filter(Boolean));

const notices = [...packages].sort().map((folder) => {
  const place = join(here, folder);
  const { name, version, license } = JSON.parse(readFileSync(join(place, "package.json"), "utf8"));
  const file = readdirSync(place).find((entry) => /^licen[cs]e/i.test(entry));
  if (!file) throw new Error(`${name} ${version} has no licence file`);
  return `${name} ${version} (${license})\n\n${readFileSync(join(place, file), "utf8").trim()}`;
});
const comment = notices.join("\n\n---\n\n").replaceAll("*/", "* /");
// What would end, or change the meaning of, the script element that it is put into.
const text = `${bundle.text}/*!\nThis script contains:\n\n${comment}\n*/\n`;
if (/<\/script|<!--/i.test(text)) throw new Error("the bundle would end its script element");
writeFileSync(output, text);
