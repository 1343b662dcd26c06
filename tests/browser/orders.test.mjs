// Silence, now: an order is given on a page, and the page tells which loudspeakers have obeyed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PHONE } from './product.mjs';
import { stage } from './stage.mjs';

const shared = stage();

test('an area is silenced from a phone, and every node answers on the open page', { timeout: 120_000 }, async () => {
  const { product, me: { page, complaints } } = shared;
  await page.setViewportSize(PHONE);
  await page.goto(product.base);
  await page.locator('a[href="/orders"]').click();
  await page.locator('#area').selectOption('xa-lac-duong');
  await page.locator('#reason').fill('Phát nhầm bản tin');
  await page.locator('button[value=stop_all]').click();
  await page.waitForURL((url) => url.pathname === '/orders');
  await page.getByText('3/3 cụm loa đã dừng').waitFor({ timeout: 60_000 });
  assert.match(await page.locator('main').innerText(), /Lý do: Phát nhầm bản tin/);
  assert.deepEqual(complaints, []);
});
