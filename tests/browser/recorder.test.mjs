// Recording in a real browser, with a microphone that plays a file: a voice, silence, none at all.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { overflow, violations } from './axe.mjs';
import { DESKTOP, PHONE, person, signIn, startBrowser, startProduct, welcome, writeBulletin } from './product.mjs';

const WORDS = 'Ơ bol kòn bòn! Mang do mìu dờng.';
const VOICE = path.resolve(import.meta.dirname, '../../audio-samples/phrase.wav');
/** Where pictures of each state go, for whoever wants to look. */
const PICTURES = process.env.LOA_PICTURES;
const folder = mkdtempSync(path.join(tmpdir(), 'loa-recorder-'));
let product;
let link;

/** A WAV of digital silence, one second at 16 kHz. */
function silence() {
  const bytes = Buffer.alloc(44 + 32_000);
  bytes.write('RIFF', 0);
  bytes.writeUInt32LE(36 + 32_000, 4);
  bytes.write('WAVEfmt ', 8);
  for (const [at, value] of [[16, 16], [24, 16_000], [28, 32_000], [40, 32_000]]) bytes.writeUInt32LE(value, at);
  for (const [at, value] of [[20, 1], [22, 1], [32, 2], [34, 16]]) bytes.writeUInt16LE(value, at);
  bytes.write('data', 36);
  const file = path.join(folder, 'silence.wav');
  writeFileSync(file, bytes);
  return file;
}

const microphone = (file) => [
  '--use-fake-ui-for-media-stream',
  '--use-fake-device-for-media-stream',
  `--use-file-for-fake-audio-capture=${file}`,
  // A player is pressed by a person; here nobody is.
  '--autoplay-policy=no-user-gesture-required',
];

before(async () => {
  product = await startProduct();
  if (PICTURES) mkdirSync(PICTURES, { recursive: true });
});

after(async () => {
  await product?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs with a browser whose microphone is `args`, on the page that records a bulletin's track. */
async function atTheRecorder(args, viewport, run) {
  const browser = await startBrowser(args);
  try {
    const me = await person(browser, viewport);
    if (link) {
      await signIn(me.page, product.base);
    } else {
      link = product.link;
      await welcome(me.page, link);
    }
    const text = 'Đêm nay mưa rất to. Bà con không qua ngầm tràn.';
    const bulletin = await writeBulletin(me.page, product.base, { title: 'Cảnh báo mưa lớn', text });
    await me.page.goto(`${product.base}${bulletin}`);
    await me.page.getByText('Thu âm hoặc tải tệp lên').click();
    await me.page.locator('#language').selectOption('kpm');
    await me.page.locator('#transcript').fill(WORDS);
    await run(me.page, bulletin, me.complaints);
  } finally {
    await browser.close();
  }
}

const act = (page, name) => page.locator(`[data-do=${name}]:visible`);
const is = (page, state) => page.locator(`#recorder[data-state=${state}]`).waitFor({ timeout: 30_000 });

/** Until the page says so, in its status or as trouble. The words of all states are in the page, hidden. */
const says = (page, text) =>
  page.locator('[data-status]:visible, [data-trouble]:visible').filter({ hasText: text }).first().waitFor({ timeout: 20_000 });

/** Until the clock of the take shows at least so many seconds. */
const reads = (page, seconds) =>
  page.waitForFunction(
    (limit) => {
      const [minutes, left] = document.querySelector('[data-time]').textContent.split(':').map(Number);
      return 60 * minutes + left >= limit;
    },
    seconds,
    { timeout: 30_000 },
  );

/** Nothing for axe to say, nothing beyond the edge; and a picture where one is wanted. */
async function isSound(page, state) {
  const where = `${state} at ${page.viewportSize().width} px`;
  assert.deepEqual([...(await violations(page, where)), ...(await overflow(page, where))], []);
  if (PICTURES) await page.screenshot({ path: path.join(PICTURES, `${page.viewportSize().width}-${state}.png`), fullPage: true });
}

/** Length that a track's line tells, in seconds. */
async function lengthOfTrack(page) {
  const line = page.locator('.track', { hasText: "K'Ho" });
  await line.locator('audio').waitFor({ state: 'attached', timeout: 60_000 });
  const [, seconds] = (await line.innerText()).match(/([\d,]+) giây ·/);
  return Number(seconds.replace(',', '.'));
}

for (const [name, viewport] of [['a desk', DESKTOP], ['a phone', PHONE]]) {
  test(`recorded, listened to, recorded again and used, at ${name}, by keyboard`, { timeout: 180_000 }, async () => {
    await atTheRecorder(microphone(VOICE), viewport, async (page, bulletin, complaints) => {
      await is(page, 'idle');
      await isSound(page, 'idle');
      assert.equal(await page.locator('#consent').isChecked(), false, 'nobody has agreed yet');
      await act(page, 'start').focus();
      await page.keyboard.press('Enter');
      await is(page, 'counting');
      await isSound(page, 'counting');
      await is(page, 'recording');
      const levels = await page.evaluate(async () => {
        const [meter, seen] = [document.querySelector('[data-level]'), new Set()];
        for (let i = 0; i < 40; i += 1) {
          seen.add(Math.round(meter.value));
          await new Promise((done) => setTimeout(done, 50));
        }
        return [...seen];
      });
      assert.ok(levels.length > 3 && Math.max(...levels) > -40, `the meter moves: ${levels}`);
      assert.match(await page.locator('[data-level-word]').innerText(), /vừa|quá/);
      assert.equal(await page.locator('[data-trouble]').isVisible(), false);
      await isSound(page, 'recording');
      await act(page, 'pause').press('Enter');
      await is(page, 'paused');
      await isSound(page, 'paused');
      await act(page, 'resume').press('Enter');
      await is(page, 'recording');
      await reads(page, 3);
      assert.equal(await page.evaluate(() => document.activeElement.dataset.do), 'stop', 'the next button is at hand');
      await page.keyboard.press('Enter');
      await is(page, 'taken');
      await isSound(page, 'taken');
      await page.locator('[data-listen]').evaluate((audio) => audio.play());
      await page.waitForFunction(() => document.querySelector('[data-listen]').currentTime > 0.5);

      await act(page, 'again').press('Enter');
      await is(page, 'recording');
      await reads(page, 5);
      await act(page, 'stop').press('Enter');
      await is(page, 'taken');
      await page.locator('#consent').check();
      await page.locator('#speaker').fill("K' Brèo");
      await page.locator('[data-send]').press('Enter');
      await page.waitForURL((url) => url.pathname === bulletin, { timeout: 30_000 });
      const length_s = await lengthOfTrack(page);
      assert.ok(length_s >= 3 && length_s <= 8, `${length_s} s of a take of 5 s`);
      const track = await page.locator('.track', { hasText: "K'Ho" }).innerText();
      assert.match(track, /K' Brèo đồng ý/);
      await isSound(page, 'track');
      await page.goto(`${product.base}${bulletin}/record`);
      await is(page, 'idle');
      assert.deepEqual(complaints, []);
    });
  });
}

test('a take outlives a dead network and a closed tab, and its consent does not', { timeout: 180_000 }, async () => {
  await atTheRecorder(microphone(VOICE), DESKTOP, async (page, bulletin) => {
    await act(page, 'start').click();
    await is(page, 'recording');
    await reads(page, 5);
    // A tab that dies in the middle of a take: what came in whole pieces is there.
    const context = page.context();
    await page.close();
    const second = await context.newPage();
    await second.goto(`${product.base}${bulletin}/record`);
    await says(second, 'Bản thu trước chưa gửi vẫn còn');
    assert.equal(await second.locator('#transcript').inputValue(), WORDS);
    await second.locator('#consent').check();
    await second.locator('#speaker').fill('Ka Hem');
    await context.setOffline(true);
    await second.locator('[data-send]').click();
    await says(second, 'Máy chủ không trả lời');
    await isSound(second, 'unsent');
    await second.close();
    await context.setOffline(false);

    const third = await context.newPage();
    await third.goto(`${product.base}${bulletin}/record`);
    await is(third, 'taken');
    assert.equal(await third.locator('#speaker').inputValue(), 'Ka Hem');
    assert.equal(await third.locator('#consent').isChecked(), false, 'it has to be meant again');
    await context.setOffline(true);
    await third.locator('[data-send]').click();
    await is(third, 'unsent');
    // The network is back: it goes by itself.
    await context.setOffline(false);
    await third.waitForURL((url) => url.pathname === bulletin, { timeout: 60_000 });
    const length_s = await lengthOfTrack(third);
    assert.ok(length_s >= 2 && length_s <= 8, `${length_s} s of a take of 5 s`);
    assert.doesNotMatch(await third.locator('main').innerText(), /Ka Hem đồng ý/);
  });
});

test('a muted microphone is told at once', { timeout: 120_000 }, async () => {
  await atTheRecorder(microphone(silence()), DESKTOP, async (page) => {
    await act(page, 'start').click();
    await is(page, 'recording');
    await says(page, 'Không nghe thấy tiếng');
    assert.match(await page.locator('[data-level-word]').innerText(), /không có tiếng/);
    await isSound(page, 'muted');
    await act(page, 'stop').click();
    await is(page, 'taken');
    await says(page, 'Không nghe thấy tiếng');
  });
});

test('a microphone that is not allowed, and a browser that cannot record, leave the file', { timeout: 120_000 }, async () => {
  await atTheRecorder(['--use-fake-device-for-media-stream'], DESKTOP, async (page, bulletin) => {
    await act(page, 'start').click();
    await page.locator('[data-trouble]:visible').waitFor();
    assert.match(await page.locator('[data-trouble]').innerText(), /Chưa được phép dùng micrô/);
    await is(page, 'idle');
    await isSound(page, 'denied');
    await page.addInitScript(() => {
      delete globalThis.MediaRecorder;
    });
    await page.goto(`${product.base}${bulletin}/record?language=kpm`);
    await says(page, 'Trình duyệt này không thu âm được');
    await isSound(page, 'unable');
    await page.locator('#recording').setInputFiles(VOICE);
    await page.locator('[data-send]').click();
    await page.waitForURL((url) => url.pathname === bulletin, { timeout: 30_000 });
    assert.ok((await lengthOfTrack(page)) >= 4);
  });
});

/** A take of some seconds. */
async function take(page, seconds = 3) {
  await act(page, 'start').click();
  await is(page, 'recording');
  await reads(page, seconds);
  await act(page, 'stop').click();
  await is(page, 'taken');
}

test('a take that comes after the submission is refused in words and stays on the computer', { timeout: 180_000 }, async () => {
  await atTheRecorder(microphone(VOICE), DESKTOP, async (page, bulletin) => {
    await take(page);
    const other = await page.context().newPage();
    await other.goto(product.base + bulletin);
    await other.locator(`form[action="${bulletin}/submit"] button`).click();
    await other.getByText('Chờ duyệt').first().waitFor();
    await page.locator('[data-send]').click();
    await says(page, 'Bản tin đã gửi duyệt nên chưa nhận bản tiếng này');
    await says(page, 'Bản thu vẫn còn trên máy này');
    await is(page, 'unsent');
    await isSound(page, 'late');
    await other.reload();
    assert.equal(await other.locator('.track', { hasText: "K'Ho" }).count(), 0, 'what was handed in is as it was');
  });
});

test('a take that the browser cannot keep is not left without a question', { timeout: 180_000 }, async () => {
  await atTheRecorder(microphone(VOICE), DESKTOP, async (page) => {
    await page.evaluate(() => {
      IDBObjectStore.prototype.put = () => {
        throw new DOMException('no room', 'QuotaExceededError');
      };
    });
    await take(page);
    await says(page, 'Trình duyệt không cất được bản thu');
    const asked = page.waitForEvent('dialog', { timeout: 20_000 });
    const leaving = page.close({ runBeforeUnload: true });
    const dialog = await asked;
    assert.equal(dialog.type(), 'beforeunload');
    await dialog.dismiss();
    await leaving;
    await is(page, 'taken');
  });
});

test("the words of a take win over the bulletin's own", { timeout: 180_000 }, async () => {
  await atTheRecorder(microphone(VOICE), DESKTOP, async (page, bulletin) => {
    await page.locator('#language').selectOption('vi');
    await page.locator('#transcript').fill('Đêm nay mưa to, bà con chú ý.');
    await take(page);
    const context = page.context();
    await page.close();
    const again = await context.newPage();
    await again.goto(`${product.base}${bulletin}/record?language=vi`);
    await says(again, 'Bản thu trước chưa gửi vẫn còn');
    assert.equal(await again.locator('#transcript').inputValue(), 'Đêm nay mưa to, bà con chú ý.');
  });
});

test('a take that is too large is told and not sent for ever', { timeout: 180_000 }, async () => {
  await atTheRecorder(microphone(VOICE), DESKTOP, async (page) => {
    await page.route('**/record*', async (route) => {
      const answer = await route.fetch();
      await route.fulfill({ response: answer, body: (await answer.text()).replace(/data-max-bytes="\d+"/, 'data-max-bytes="1000"') });
    });
    await page.reload();
    await page.locator('#language').selectOption('kpm');
    let sent = 0;
    page.on('request', (request) => {
      if (request.method() === 'POST') sent += 1;
    });
    await take(page);
    await page.locator('[data-send]').click();
    await says(page, 'nên không gửi được');
    await is(page, 'unsent');
    assert.equal(sent, 0);
  });
});
