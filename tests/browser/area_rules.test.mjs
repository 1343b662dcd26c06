// What an area's loudspeakers never do: entered on the area's page, and said of a schedule before it sounds.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DESKTOP } from './product.mjs';
import { stage } from './stage.mjs';

const shared = stage();
const NARROW = { width: 360, height: 780 };
/** Where somebody wants to look at the pages too. */
const shots = process.env.SHOTS_DIR;

const shoot = (page, name) => (shots ? page.screenshot({ path: `${shots}/${name}.png`, fullPage: true }) : undefined);

/** The day after tomorrow, as a field of the form takes it. */
function soon() {
  const at = new Date(Date.now() + 48 * 3_600_000);
  return new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', timeZone: 'Asia/Ho_Chi_Minh' }).format(at);
}

/** Nothing is wider than the screen, and no field touches the one below it. */
async function fits(page) {
  const width = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.equal(width, 0, 'nothing is wider than the screen');
  const gaps = await page.locator('#rules form .field').evaluateAll((fields) => {
    const boxes = fields.map((field) => field.getBoundingClientRect());
    const below = (box) => boxes.filter((other) => other.top >= box.bottom - 1 && other.left < box.right && box.left < other.right);
    return boxes.map((box) => Math.min(...below(box).map((other) => other.top - box.bottom), 99));
  });
  assert.ok(Math.min(...gaps) >= 8, `fields stand apart: ${gaps}`);
}

for (const [name, viewport, quiet, at] of [
  ['desktop', DESKTOP, '20:30-05:00', '21:00'],
  ['phone', NARROW, '19:30-05:00', '20:00'],
]) {
  test(`an area's quiet hours and minutes keep a schedule from sounding, and the page says why (${name})`, { timeout: 120_000 }, async () => {
    const { product, me: { page, complaints } } = shared;
    await page.setViewportSize(viewport);
    await page.goto(`${product.base}/areas/xa-lac-duong`);
    await fits(page);
    await page.locator('#quiet_hours').fill(quiet);
    await page.locator('#normal_minutes_a_day').fill('45');
    await shoot(page, `area-${name}`);
    await page.locator('form[action="/areas/xa-lac-duong/rules"] button.btn-primary').click();
    await page.getByText('Đã lưu quy định phát thanh').waitFor();
    assert.equal(await page.locator('#quiet_hours').inputValue(), quiet);

    await page.goto(`${product.base}/schedules/new`);
    const bulletin = await page.locator('#bulletin option:not([value=""])').first().getAttribute('value');
    await page.locator('#bulletin').selectOption(bulletin);
    await page.locator('input[name=date]').fill(soon());
    await page.locator('input[name=time]').fill(at);
    await page.locator('input[name=area][value=xa-lac-duong]').check();
    await page.locator('form[action="/schedules"] button.btn-primary').click();
    await page.waitForURL((url) => url.pathname === '/schedules');
    await page.locator('tr', { hasText: at }).locator('a[href^="/schedules/"]').first().click();
    await page.waitForURL(/\/schedules\/(?!new)[^/]+$/);
    const start = page.locator('.foreseen-starts > li', { hasText: at }).first();
    const said = await start.innerText();
    assert.match(said, /Rơi vào giờ yên tĩnh, chỉ tin khẩn cấp được phát \(quy định của [^)]*Lạc Dương[^)]*\)/);
    await shoot(page, `schedule-${name}`);
    assert.deepEqual(complaints, []);
  });
}
