// Bundles src/ into the folder that the Python package serves as /assets (the one argument says
// where else, if anywhere), and writes beside it a manifest of content hashes:
//
//   {"app.css": "0f3a…", "app.js": "9c1e…", "fonts.css": "77ab…", …}
//
// A page asks for `app.css?v=0f3a…`, so a browser may keep each file for ever.
import { createHash } from "node:crypto";
import { copyFile, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const target = resolve(process.argv[2] ?? join(here, "../src/bongsu/web/assets"));
const fresh = `${target}.new-${process.pid}`;

async function bundle() {
  await build({
    absWorkingDir: here,
    entryPoints: { app: "src/app.ts", "app-style": "src/app.css", fonts: "src/fonts.css" },
    outdir: fresh,
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    charset: "utf8",
    // The font's files are many and named by content: nobody refers to them but fonts.css.
    assetNames: "fonts/[name]-[hash]",
    loader: { ".woff2": "file", ".svg": "file", ".png": "file" },
    legalComments: "none",
    logLevel: "warning",
  });
  // esbuild names an output after its entry, and app.ts and app.css would both be "app".
  await rename(join(fresh, "app-style.css"), join(fresh, "app.css"));
}

async function copyStatic() {
  // Files that are served as they are: icons, a web manifest, robots.txt.
  const folder = join(here, "static");
  for (const path of await filesIn(folder).catch(ignoreMissing)) {
    await mkdir(dirname(join(fresh, path)), { recursive: true });
    await copyFile(join(folder, path), join(fresh, path));
  }
}

async function copyLicences() {
  // The font's licence asks to travel with it.
  const modules = join(here, "node_modules");
  await mkdir(join(fresh, "licenses"), { recursive: true });
  await copyFile(join(modules, "htmx.org/LICENSE"), join(fresh, "licenses/htmx.txt"));
  await copyFile(join(modules, "pretendard/dist/LICENSE.txt"), join(fresh, "licenses/pretendard.txt"));
}

async function writeManifest() {
  const manifest = {};
  for (const path of await filesIn(fresh)) {
    const content = await readFile(join(fresh, path));
    manifest[path] = createHash("sha256").update(content).digest("hex").slice(0, 12);
  }
  await writeFile(join(fresh, "manifest.json"), `${JSON.stringify(manifest, null, 1)}\n`);
}

async function filesIn(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join("/"))
    .sort();
}

function ignoreMissing(error) {
  if (error.code === "ENOENT") return [];
  throw error;
}

async function swapIn() {
  // Two renames, so that a server reading the folder never sees one half built.
  const stale = `${target}.old-${process.pid}`;
  await rename(target, stale).catch(ignoreMissing);
  await rename(fresh, target);
  await rm(stale, { recursive: true, force: true });
}

try {
  await bundle();
  await copyStatic();
  await copyLicences();
  await writeManifest();
  await swapIn();
} finally {
  await rm(fresh, { recursive: true, force: true });
}
