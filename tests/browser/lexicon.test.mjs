// Words that the voice does not know, found while typing and taught by one click.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fillBulletin } from './product.mjs';
import { stage } from './stage.mjs';

const TEXT = 'Bà con 𝒳𝒴 chú ý:\nsáng mai họp tại nhà sinh hoạt KDTX lúc 7h30.';
const GREETING = 'Kính thưa bà con. ';
const shared = stage();

const finding = (page) => page.locator('.finding', { hasText: 'KDTX' });

test('an unknown short form is marked, found in the text, added to the area, and known from then on', { timeout: 120_000 }, async () => {
  const { product, me } = shared;
  const { page } = me;
  await fillBulletin(page, product.base, { title: 'Họp thôn', text: TEXT });
  await finding(page).waitFor();
  const selected = () =>
    page.locator('#text').evaluate((area) => area.value.slice(area.selectionStart, area.selectionEnd));
  await finding(page).click();
  assert.equal(await selected(), 'KDTX', 'letters that browsers count twice stand before it');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'text');

  // The text has gone on since it was looked at: the place is found all the same.
  const from = Number(await finding(page).getAttribute('data-from'));
  await page.locator('#text').evaluate((area, greeting) => {
    area.value = greeting + area.value;
  }, GREETING);
  await finding(page).click();
  assert.equal(await selected(), 'KDTX');
  await page.locator('#text').press('End');
  await page.keyboard.type(' Xin cảm ơn.');
  await page.locator(`.finding[data-from="${from + GREETING.length}"]`).waitFor();

  const say = page.locator('[data-say]', { has: page.locator('input[value=KDTX]') });
  await say.locator('input[name=spoken]').fill('khu dân tộc xã');
  await say.locator('input[name=spoken]').press('Enter');
  await page.getByText('Đã lưu từ “KDTX”').waitFor();
  assert.equal(await finding(page).count(), 0);
  assert.match(await page.locator('#text').inputValue(), /^Kính thưa bà con\. [^]*Xin cảm ơn\.$/, 'the text is as it was');
  await page.locator('#spoken-text summary').click();
  assert.match(await page.locator('#spoken-text').innerText(), /nhà sinh hoạt khu dân tộc xã lúc bảy giờ ba mươi phút/);

  await page.locator('button[value=save]').click();
  await page.waitForURL(/\/bulletins\/(?!new)[^/]+$/);
  const bulletin = page.url();
  assert.equal(await page.locator('mark', { hasText: 'KDTX' }).count(), 0);
  await page.goto(`${bulletin}/edit`);
  await page.locator('#spoken-text').waitFor();
  assert.equal(await finding(page).count(), 0, 'it is known after a reload');

  await page.goto(`${product.base}/areas/xa-lac-duong/words`);
  assert.match(await page.locator('main table').innerText(), /KDTX[^]*khu dân tộc xã/);
  await page.locator('#say').fill('Họp tại KDTX.');
  await page.locator('form[method=get] button').click();
  await page.locator('.said', { hasText: 'khu dân tộc xã' }).waitFor();
  assert.deepEqual(me.complaints, []);
});
