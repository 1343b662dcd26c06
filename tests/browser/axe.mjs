// What axe-core has against a page.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const OPTIONS = { resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] };

/** What axe has against the page as it stands, one line each. */
export async function violations(page, where) {
  await page.evaluate(AXE);
  const found = await page.evaluate((options) => globalThis.axe.run(document, options), OPTIONS);
  assert.ok(found.passes.length > 10, `${where}: axe looked at nothing`);
  const grave = found.violations.filter(({ impact }) => ['serious', 'critical', 'moderate'].includes(impact));
  return grave.map(({ id, nodes }) => `${where}: ${id}: ${nodes.map((node) => node.html.slice(0, 160)).slice(0, 3).join(' | ')}`);
}

/** What lies beyond the right edge of the page. */
export async function overflow(page, where) {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  return wide > 0 ? [`${where}: ${wide} px too wide`] : [];
}
