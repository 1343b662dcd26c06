// An emergency, from the form to the loudspeakers: given by one person, approved by two others, its answers seen arriving.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addUser, giveAlert, person, welcome } from './product.mjs';
import { stage } from './stage.mjs';

const shared = stage();

const TEXT = 'Nước suối đang lên nhanh. Bà con ven suối đi ngay lên nơi cao. Giúp người già và trẻ em đi trước.';

test('an exercise is given, approved by two, and its wave is seen arriving; then it is stopped', { timeout: 240_000 }, async () => {
  const { product: { base }, browser, me } = shared;
  const approvers = [];
  for (const [name, displayName] of [['hoa', 'Rơ Ông Hoa'], ['lan', 'Cil Lan']]) {
    const link = await addUser(me.page, base, { name, displayName, role: 'approver', emergency: true });
    const approver = await person(browser);
    await welcome(approver.page, link);
    approvers.push(approver);
  }

  await me.page.goto(base);
  await me.page.locator('a[href="/alerts"]').first().click();
  await me.page.locator('a[href="/alerts/new"]').waitFor();
  const alert = base + await giveAlert(me.page, base, { title: 'Lũ quét', text: TEXT });
  const main = me.page.locator('main');
  const banner = me.page.locator('.alert-banner');
  assert.match(await banner.innerText(), /diễn tập/i);
  const border = await banner.evaluate((element) => getComputedStyle(element).borderTopStyle);
  assert.equal(border, 'dashed', 'an exercise looks like none other');
  assert.match(await main.innerText(), /Cần 2 người khác duyệt/, 'the households of the demo are not known');
  assert.equal(await me.page.locator('form[action$="/approve"]').count(), 0, 'nobody approves their own');

  for (const { page } of approvers) {
    await page.goto(alert);
    const approve = page.locator('form[action$="/approve"] button');
    await approve.waitFor({ timeout: 90_000 });
    await approve.click();
    await page.getByText('Đã duyệt.').waitFor();
  }

  // The author's page was never loaded again.
  const sounding = me.page.locator('.wave-counts li').first();
  await sounding.filter({ hasText: /^3/ }).waitFor({ timeout: 60_000 });
  await me.page.locator('#reason').fill('Diễn tập xong');
  await me.page.locator('button[value=cancel]').click();
  await main.getByText('Đã dừng').first().waitFor({ timeout: 30_000 });
  assert.deepEqual([me, ...approvers].flatMap(({ complaints }) => complaints), []);
  await Promise.all(approvers.map((approver) => approver.close()));
});
