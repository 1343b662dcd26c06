// Two people with the same bulletin open: what one does, the other sees without loading the page again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addUser, person, signIn, welcome, writeBulletin } from './product.mjs';
import { stage } from './stage.mjs';

const shared = stage({ withMe: false });

test('an approval is seen at once by another approver, and their late decision is refused in words', { timeout: 180_000 }, async () => {
  const { product, browser } = shared;
  const { base } = product;
  const first = await person(browser);
  await welcome(first.page, product.link);
  const links = [];
  for (const [name, displayName, role] of [['lan', 'Cil Lan', 'author'], ['hoa', 'Rơ Ông Hoa', 'approver']]) {
    links.push(await addUser(first.page, base, { name, displayName, role }));
  }
  const [author, second] = [await person(browser), await person(browser)];
  await welcome(author.page, links[0]);
  await welcome(second.page, links[1]);
  const count = second.page.locator('.side .count-tag');
  assert.equal(await count.isVisible(), false, 'nothing waits');

  const text = 'Sáng thứ bảy, trạm y tế xã tiêm vắc xin sởi cho trẻ em.';
  const path = await writeBulletin(author.page, base, { title: 'Lịch tiêm chủng', text });
  await author.page.locator(`form[action="${path}/submit"] button`).click();
  await count.waitFor({ state: 'visible' });
  await second.page.getByText('Lịch tiêm chủng').waitFor();

  await second.page.goto(base + path);
  await first.page.goto(base + path);
  const approve = (page) => page.locator(`form[action="${path}/approve"] button`);
  await approve(second.page).waitFor();
  // The second is writing why it should go back when the first approves.
  await second.page.locator('#reject-part summary').click();
  await second.page.locator('#comment').fill('Nên ghi rõ giờ.');
  await approve(first.page).click();
  await approve(second.page).waitFor({ state: 'detached' });
  assert.match(await second.page.locator('main .head').innerText(), /Đã duyệt/);
  assert.match(await second.page.locator('#live-note').innerText(), /Nên ghi rõ giờ\./, 'what was typed is not dropped');
  await count.waitFor({ state: 'hidden' });

  // A page that was left behind, without script, sends what is no longer possible.
  const withdraw = second.page.locator(`form[action="${path}/withdraw"]`);
  await withdraw.evaluate((form) => {
    form.action = form.action.replace('withdraw', 'approve');
    form.requestSubmit();
  });
  await second.page.getByRole('alert').getByText('bản tin đã được duyệt').waitFor();
  const refusal = second.complaints.filter((complaint) => !/409/.test(complaint));
  assert.deepEqual([...first.complaints, ...author.complaints, ...refusal], []);
  await Promise.all([first.close(), author.close(), second.close()]);
});

test('what sounds appears on the open page of results', { timeout: 180_000 }, async () => {
  const { product, browser } = shared;
  const visitor = await person(browser);
  await signIn(visitor.page, product.base);
  await visitor.page.goto(`${product.base}/heard`);
  await visitor.page.getByText('3/3 cụm loa đã phát').waitFor({ timeout: 120_000 });
  assert.deepEqual(visitor.complaints, []);
  await visitor.close();
});
