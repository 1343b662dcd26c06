// How a text is to be spoken, marked by buttons.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fillBulletin } from './product.mjs';
import { stage } from './stage.mjs';

const shared = stage();

test('a button puts its command round the selection, another at the cursor, and one undo takes it back', { timeout: 120_000 }, async () => {
  const { product, me } = shared;
  const { page } = me;
  await fillBulletin(page, product.base, { title: 'Bão số 5', text: 'Đề nghị sơ tán ngay.' });
  const text = page.locator('#text');
  await page.locator('#markup-help summary').press('Enter');
  await text.evaluate((area) => area.setSelectionRange(8, 15));
  await page.getByRole('button', { name: 'Nhấn mạnh' }).press('Enter');
  assert.equal(await text.inputValue(), 'Đề nghị [nhấn: sơ tán] ngay.');

  await text.press('Control+End');
  await page.getByRole('button', { name: 'Nghỉ 2 giây' }).click();
  assert.equal(await text.inputValue(), 'Đề nghị [nhấn: sơ tán] ngay.[nghỉ 2 giây]');
  await page.keyboard.press('Control+z');
  assert.equal(await text.inputValue(), 'Đề nghị [nhấn: sơ tán] ngay.');

  await page.getByRole('button', { name: 'Đọc từng chữ số' }).click();
  await page.keyboard.type('115');
  assert.equal(await text.inputValue(), 'Đề nghị [nhấn: sơ tán] ngay.[từng số: 115]');
  await page.locator('#spoken-text summary').click();
  await page.locator('#spoken-text', { hasText: 'một một năm' }).waitFor();

  await text.press('Control+End');
  await page.keyboard.type(' [nghỉ 3 giờ]');
  await page.locator('#text-check', { hasText: '[nghỉ 3 giờ]' }).waitFor();
  assert.deepEqual(me.complaints, []);
});
