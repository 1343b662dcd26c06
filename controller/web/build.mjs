// Bundles style, script, icons and fonts into dist/, each under a name that carries its content's hash, with
// a gzip and a brotli copy beside it, and writes dist/manifest.json (logical name -> hashed name). build.rs
// of the crate reads that manifest; the binary embeds the folder.

import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import * as esbuild from "esbuild";
import postcss from "postcss";
import { PurgeCSS } from "purgecss";

const here = path.dirname(fileURLToPath(import.meta.url));
const at = (...parts) => path.join(here, ...parts);
const dist = at("dist");

// The oldest browsers still met in commune offices: the last Chromium for Windows 7, and Firefox ESR 115.
const target = ["chrome109", "firefox115", "safari15"];

const manifest = {};

async function emit(name, content) {
  const bytes = Buffer.from(content);
  const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 12);
  const { name: stem, ext } = path.parse(name);
  const hashed = `${stem}-${hash}${ext}`;
  await writeFile(path.join(dist, hashed), bytes);
  if (ext !== ".woff2") {
    await writeFile(path.join(dist, `${hashed}.gz`), gzipSync(bytes, { level: 9 }));
    const params = { [constants.BROTLI_PARAM_QUALITY]: 11 };
    await writeFile(path.join(dist, `${hashed}.br`), brotliCompressSync(bytes, { params }));
  }
  manifest[name] = hashed;
  return hashed;
}

/**
 * The font's own rules, cut to woff2, with the files emitted under hashed names. Where ranges of characters
 * overlap, the last rule wins: Vietnamese comes last, so that the large extended part is fetched for other
 * languages' letters alone.
 */
async function fonts() {
  const folder = at("node_modules/@fontsource/be-vietnam-pro");
  let rules = "";
  for (const weight of [400, 600]) {
    rules += await readFile(path.join(folder, `${weight}.css`), "utf8");
  }
  let css = ["latin-ext", "latin", "vietnamese"]
    .flatMap((part) => rules.match(new RegExp(`/\\* be-vietnam-pro-${part}-\\d+-normal \\*/[^}]*}`, "g")))
    .join("\n");
  css = css.replace(/,\s*url\([^)]*\.woff\)\s*format\('woff'\)/g, "");
  for (const [reference, file] of css.matchAll(/url\(\.\/files\/([^)]+)\)/g)) {
    css = css.replace(reference, `url(${await emit(file, await readFile(path.join(folder, "files", file)))})`);
  }
  return css;
}

/** One sprite of the outline icons named in icons.json, each a <symbol> with the icon's name as its id. */
async function icons() {
  const names = JSON.parse(await readFile(at("icons.json"), "utf8"));
  const symbols = [];
  for (const name of names) {
    const svg = await readFile(at(`node_modules/@tabler/icons/icons/outline/${name}.svg`), "utf8");
    const shapes = svg
      .slice(svg.indexOf(">", svg.indexOf("<svg")) + 1, svg.lastIndexOf("</svg>"))
      .replace('<path stroke="none" d="M0 0h24v24H0z" fill="none" />', "")
      .replace(/\s*\n\s*/g, "");
    symbols.push(
      `<symbol id="${name}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.75" ` +
        `stroke-linecap="round" stroke-linejoin="round">${shapes}</symbol>`,
    );
  }
  await emit("icons.svg", `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("")}</svg>`);
}

/** Every rule of the dark theme, repeated for "auto" where the machine prefers dark. */
const darkWhenPreferred = {
  postcssPlugin: "dark-when-preferred",
  OnceExit(root) {
    const dark = /\[data-bs-theme=["']?dark["']?\]/g;
    const media = postcss.atRule({ name: "media", params: "(prefers-color-scheme: dark)" });
    root.walkRules((rule) => {
      if (!dark.test(rule.selector)) return;
      dark.lastIndex = 0;
      const copy = rule.clone({ selector: rule.selector.replace(dark, "[data-bs-theme=auto]") });
      let holder = copy;
      for (let up = rule.parent; up.type === "atrule"; up = up.parent) {
        holder = up.clone({ nodes: [] }).append(holder);
      }
      media.append(holder);
    });
    root.append(media);
  },
};

async function style() {
  const tabler = await readFile(at("node_modules/@tabler/core/dist/css/tabler.css"), "utf8");
  const bundled = await esbuild.build({ entryPoints: [at("src/app.css")], bundle: true, write: false, target });
  const own = bundled.outputFiles[0].text;
  const [purged] = await new PurgeCSS().purge({
    content: ["templates/**/*.html", "../src/pages/**/*.rs", "src/**/*.js"].map((glob) => at(glob)),
    css: [{ raw: `${tabler}\n${own}` }],
    // Bootstrap names colours and sizes as variables by the hundred; those never read are dropped.
    variables: true,
    keyframes: true,
    // Classes whose end a template fills in: tones, steps, depths, and whether an emergency is meant.
    safelist: [
      /^htmx-/,
      /^(pill|note|step)-(good|info|warn|bad|quiet)$/,
      /^depth-\d$/,
      /^alert-(banner|mark)-(actual|exercise|test)$/,
      "auto",
    ],
  });
  const { css } = await postcss([darkWhenPreferred]).process(purged.css, { from: undefined });
  const { code } = await esbuild.transform(`${await fonts()}\n${css}`, { loader: "css", minify: true, target });
  await emit("app.css", code);
}

async function script() {
  const { outputFiles } = await esbuild.build({
    entryPoints: [at("src/app.js")],
    bundle: true,
    minify: true,
    format: "iife",
    target,
    legalComments: "none",
    write: false,
  });
  await emit("app.js", outputFiles[0].contents);
}

await rm(dist, { recursive: true, force: true });
await mkdir(dist, { recursive: true });
await Promise.all([icons(), style(), script()]);
for (const file of await readdir(at("src/static"))) {
  await emit(file, await readFile(at("src/static", file)));
}
await writeFile(path.join(dist, "manifest.json"), `${JSON.stringify(manifest, Object.keys(manifest).sort(), 2)}\n`);

for (const name of ["app.css", "app.js", "icons.svg"]) {
  const raw = (await readFile(path.join(dist, manifest[name]))).length;
  const br = (await readFile(path.join(dist, `${manifest[name]}.br`))).length;
  console.log(`${manifest[name]}: ${raw} bytes, ${br} compressed`);
}
