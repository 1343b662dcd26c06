// The officer's first day, in a real browser on the running product.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PHONE, addUser, person, seen, signIn, welcome, writeBulletin } from './product.mjs';
import { stage } from './stage.mjs';

const shared = stage({ withMe: false });

/** The next minute that begins in more than half a minute, in the commune's time. */
function nextMinute() {
  const at = new Date(Math.ceil((Date.now() + 30_000) / 60_000) * 60_000);
  const parts = new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', timeStyle: 'short', timeZone: 'Asia/Ho_Chi_Minh' });
  const [date, time] = parts.format(at).split(' ');
  return { date, time };
}

test('on phones, a bulletin is written, listened to, submitted, approved by another, scheduled and heard', { timeout: 300_000 }, async () => {
  const { product, browser } = shared;
  const admin = await person(browser, PHONE);
  await welcome(admin.page, product.link);

  // The administrator adds an author, who gets a link of her own.
  const link = await addUser(admin.page, product.base, { name: 'lan', displayName: 'Cil Lan', role: 'author' });

  const author = await person(browser, PHONE);
  await welcome(author.page, link);
  // The sound is made while the page is open: the player comes without a reload.
  const bulletin = await writeBulletin(author.page, product.base, {
    title: 'Lịch tiêm chủng <script>alert(1)</script>',
    text: 'Sáng thứ bảy, trạm y tế xã tiêm vắc xin sởi cho trẻ em. Mời bà con đưa các cháu đến đúng giờ.',
  });
  assert.match(await author.page.locator('h1').innerText(), /<script>alert\(1\)<\/script>/);

  await author.page.locator('audio').first().evaluate((audio) => audio.play());
  await author.page.waitForFunction(() => document.querySelector('audio').currentTime > 0.5);
  await author.page.locator(`form[action="${bulletin}/submit"] button`).click();
  await author.page.waitForURL(new RegExp(`${bulletin}$`));
  assert.equal(await author.page.locator(`form[action="${bulletin}/approve"]`).count(), 0, 'nobody approves their own');

  await admin.page.goto(product.base + bulletin);
  await admin.page.locator(`form[action="${bulletin}/approve"] button`).click();
  await admin.page.waitForLoadState();
  assert.equal(await admin.page.locator(`form[action="${bulletin}/approve"]`).count(), 0, 'it is approved');

  await author.page.goto(`${product.base}/schedules/new?bulletin=${bulletin.split('/').pop()}`);
  const soon = nextMinute();
  await author.page.locator('input[name=date]').fill(soon.date);
  await author.page.locator('input[name=time]').fill(soon.time);
  await author.page.locator('input[name=area][value=xa-lac-duong]').check();
  await author.page.locator('form[action="/schedules"] button.btn-primary').click();
  await author.page.waitForURL((url) => url.pathname === '/schedules');
  assert.match(await author.page.locator('main').innerText(), new RegExp(soon.time));

  // It sounds in the three villages at its minute, and the open page tells.
  await author.page.goto(`${product.base}/heard?bulletin=${bulletin.split('/').pop()}`);
  await author.page.getByText('3/3 cụm loa đã phát').waitFor({ timeout: 150_000 });

  assert.deepEqual([...author.complaints, ...admin.complaints], []);
  await Promise.all([author.close(), admin.close()]);
});

test('what three villages heard is on the page, and every page is quiet', { timeout: 120_000 }, async () => {
  const { product, browser } = shared;
  const visitor = await person(browser);
  await signIn(visitor.page, product.base);

  await seen(visitor.page, `${product.base}/heard`, '3/3');
  for (const path of ['/', '/bulletins', '/schedules', '/areas', '/nodes', '/heard', '/users', '/audit', '/bulletins/new', '/schedules/new', '/nodes/new']) {
    const answer = await visitor.page.goto(product.base + path);
    assert.equal(answer.status(), 200, path);
  }
  assert.deepEqual(visitor.complaints, []);
  await visitor.close();
});
