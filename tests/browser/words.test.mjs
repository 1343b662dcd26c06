// What was typed is not lost: a server that is away, a session that ended, a reload.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fillBulletin, fillSignIn } from './product.mjs';
import { stage } from './stage.mjs';

const BULLETIN = { title: 'Cảnh báo mưa lớn', text: 'Đêm nay mưa rất to.\nBà con không qua ngầm, không ra suối.', category: 'disaster_prevention' };
const shared = stage();

const save = (page) => page.locator('button[value=save]').click();
const isSaved = (page) => page.waitForURL(/\/bulletins\/(?!new)[^/?]+$/);

async function isAllThere(page) {
  assert.equal(await page.locator('#title').inputValue(), BULLETIN.title);
  assert.equal(await page.locator('#text').inputValue(), BULLETIN.text);
  assert.equal(await page.locator('#category').inputValue(), BULLETIN.category);
}

test('a controller that is killed between typing and saving', { timeout: 120_000 }, async () => {
  const { product, me } = shared;
  const { page } = me;
  await fillBulletin(page, product.base, BULLETIN);
  const restart = await product.killController();
  await save(page);
  await page.getByText('máy chủ không trả lời').waitFor();
  await isAllThere(page);
  await restart();
  await save(page);
  await isSaved(page);
  assert.match(await page.locator('main').innerText(), /không ra suối/);
  await page.goto(`${product.base}/bulletins/new`);
  assert.equal(await page.locator('#title').inputValue(), '', 'what the server has is not offered again');
});

test('a network that is away, and a page that is loaded again meanwhile', { timeout: 60_000 }, async () => {
  const { product, me } = shared;
  const { page } = me;
  await fillBulletin(page, product.base, BULLETIN);
  await page.context().setOffline(true);
  await save(page);
  await page.getByText('máy chủ không trả lời').waitFor();
  await page.context().setOffline(false);
  page.once('dialog', (dialog) => dialog.accept());
  await page.reload();
  await page.getByText('Đã khôi phục nội dung chưa lưu').waitFor();
  await isAllThere(page);
  await save(page);
  await isSaved(page);
});

test('a session that was ended in another tab', { timeout: 60_000 }, async () => {
  const { product, me } = shared;
  const { page } = me;
  await fillBulletin(page, product.base, BULLETIN);
  const other = await page.context().newPage();
  await other.goto(product.base);
  await other.locator('form[action="/sign-out"] button').first().click();
  await other.waitForURL(/sign-in/);
  await save(page);
  await page.waitForURL(/\/sign-in/);
  await fillSignIn(page);
  await page.getByText('Nội dung vừa nhập vẫn còn nguyên').waitFor();
  await isAllThere(page);

  // Signed in anew elsewhere meanwhile: this page's form is of the session before.
  await other.goto(product.base);
  await other.locator('form[action="/sign-out"] button').first().click();
  await other.waitForURL(/sign-in/);
  await fillSignIn(other);
  await other.waitForURL((url) => url.pathname === '/');
  await save(page);
  await page.getByText('Trở lại nội dung đang soạn').click();
  await page.locator('#title').waitFor();
  await isAllThere(page);
  await save(page);
  await isSaved(page);
  await other.close();
});

test('two loudspeakers added one after the other are two', { timeout: 60_000 }, async () => {
  const { product, me } = shared;
  const { page } = me;
  for (const name of ['Cụm loa đầu bản', 'Cụm loa cuối bản']) {
    await page.goto(`${product.base}/nodes/new`);
    assert.equal(await page.locator('input[name=name]').inputValue(), '', 'nothing is left of the one before');
    await page.locator('input[name=name]').fill(name);
    await page.locator('select[name=area]').selectOption('xa-lac-duong');
    await page.locator('form[action="/nodes"] button.btn-primary').click();
    await page.getByRole('heading', { name }).waitFor();
  }
});

test('who is told that somebody else changed the text can still save', { timeout: 60_000 }, async () => {
  const { product, me } = shared;
  const { page } = me;
  await fillBulletin(page, product.base, BULLETIN);
  await save(page);
  await isSaved(page);
  const edit = `${page.url()}/edit`;
  await page.goto(edit);
  const other = await page.context().newPage();
  await other.goto(edit);
  await other.locator('#text').fill('Đêm nay mưa nhỏ.');
  await save(other);
  await isSaved(other);
  await other.close();
  await page.locator('#text').fill('Đêm nay mưa rất to, có lũ quét.');
  await save(page);
  await page.waitForFunction(() => document.querySelector('#text')?.value.includes('lũ quét') && document.querySelector('.note-bad, [role=alert]:not([hidden])'));
  await save(page);
  await isSaved(page);
  assert.match(await page.locator('main').innerText(), /lũ quét/);
});
