// The officer's first day, in a real browser on the running product.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { PHONE, person, seen, startBrowser, startProduct, welcome } from './product.mjs';

const PASSPHRASE = 'suối chảy qua bản làng';
let product;
let browser;

before(async () => {
  [product, browser] = await Promise.all([startProduct(), startBrowser()]);
});

after(async () => {
  await browser?.close();
  await product?.stop();
});

test('a bulletin is written by one, approved by another on the phone, and scheduled', { timeout: 180_000 }, async () => {
  const admin = await person(browser, PHONE);
  await welcome(admin.page, product.link, PASSPHRASE);

  // The administrator adds an author, who gets a link of her own.
  await admin.page.goto(`${product.base}/users`);
  await admin.page.locator('input[name=name]').fill('lan');
  await admin.page.locator('input[name=display_name]').fill('Cil Lan');
  await admin.page.locator('select[name=role]').selectOption('author');
  await admin.page.locator('select[name=area]').selectOption('xa-lac-duong');
  await admin.page.locator('form[action="/users"] button.btn-primary').click();
  const link = await admin.page.getByText(/\/welcome\//).first().innerText();

  const author = await person(browser);
  await welcome(author.page, link.trim(), PASSPHRASE);
  await author.page.goto(`${product.base}/bulletins/new`);
  await author.page.locator('#title').fill('Lịch tiêm chủng <script>alert(1)</script>');
  await author.page.locator('#text').fill('Sáng thứ bảy, trạm y tế xã tiêm vắc xin sởi cho trẻ em. Mời bà con đưa các cháu đến đúng giờ.');
  await author.page.locator('select[name=category]').selectOption('health');
  const area = author.page.locator('select[name=area]');
  if (await area.count()) await area.selectOption('xa-lac-duong');
  await author.page.locator('button[value=save]').click();
  await author.page.waitForURL(/\/bulletins\/[^/]+$/);
  const bulletin = new URL(author.page.url()).pathname;
  assert.match(await author.page.locator('h1').innerText(), /<script>alert\(1\)<\/script>/);

  // The sound is made while the page is open: the player comes without a reload.
  await author.page.locator('audio').first().waitFor({ state: 'attached', timeout: 60_000 });
  await author.page.reload();
  await author.page.locator(`form[action="${bulletin}/submit"] button`).click();
  await author.page.waitForURL(new RegExp(`${bulletin}$`));
  assert.equal(await author.page.locator(`form[action="${bulletin}/approve"]`).count(), 0, 'nobody approves their own');

  await admin.page.goto(product.base + bulletin);
  await admin.page.locator(`form[action="${bulletin}/approve"] button`).click();
  await admin.page.waitForLoadState();
  assert.equal(await admin.page.locator(`form[action="${bulletin}/approve"]`).count(), 0, 'it is approved');

  await author.page.goto(`${product.base}/schedules/new?bulletin=${bulletin.split('/').pop()}`);
  const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
  await author.page.locator('input[name=date]').fill(tomorrow);
  await author.page.locator('input[name=time]').fill('17:00');
  await author.page.locator('input[name=area][value=xa-lac-duong]').check();
  await author.page.locator('form[action="/schedules"] button.btn-primary').click();
  await author.page.waitForURL((url) => url.pathname === '/schedules');
  assert.match(await author.page.locator('main').innerText(), /17:00/);

  assert.deepEqual([...author.complaints, ...admin.complaints], []);
  await Promise.all([author.close(), admin.close()]);
});

test('what three villages heard is on the page, and every page is quiet', { timeout: 120_000 }, async () => {
  const visitor = await person(browser);
  await visitor.page.goto(`${product.base}/sign-in`);
  await visitor.page.locator('#login').fill('quantri');
  await visitor.page.locator('#passphrase').fill(PASSPHRASE);
  await visitor.page.locator('main form button.btn-primary').click();
  await visitor.page.waitForURL((url) => url.pathname === '/');

  await seen(visitor.page, `${product.base}/heard`, '3/3');
  for (const path of ['/', '/bulletins', '/schedules', '/areas', '/nodes', '/heard', '/users', '/audit', '/bulletins/new', '/schedules/new', '/nodes/new']) {
    const answer = await visitor.page.goto(product.base + path);
    assert.equal(answer.status(), 200, path);
  }
  assert.deepEqual(visitor.complaints, []);
  await visitor.close();
});
