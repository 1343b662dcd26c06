// The officer says on which days a schedule does not sound, and how often; the preview leaves these days out.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stage } from './stage.mjs';

const shared = stage();

/** The year whose 30 December is still to come, well before it. */
function comingYear() {
  const today = new Date();
  return today.getMonth() === 11 && today.getDate() > 27 ? today.getFullYear() + 1 : today.getFullYear();
}

async function fillSchedule(page, base, year) {
  await page.goto(`${base}/schedules/new`);
  const bulletin = await page.locator('#bulletin option:not([value=""])').first().getAttribute('value');
  await page.locator('#bulletin').selectOption(bulletin);
  await page.locator('input[name=mode][value=weekly]').check();
  for (const day of await page.locator('input[name=day]').all()) await day.check();
  await page.locator('#times').fill('17:30');
  await page.locator('#from').fill(`${year}-12-30`);
  await page.locator('input[name=area][value=xa-lac-duong]').check();
}

/** The starts that the preview names, once there are as many as wanted and none on a day that must not be there. */
async function previewed(page, wanted) {
  const starts = page.locator('#preview ol:not(.foreseen-starts) > li');
  await page.waitForFunction(
    (wanted) => {
      const starts = [...document.querySelectorAll('#preview ol:not(.foreseen-starts) > li')];
      return JSON.stringify(starts.map((start) => start.innerText.trim())) === JSON.stringify(wanted);
    },
    wanted,
    { timeout: 20_000 },
  ).catch(async () => assert.deepEqual((await starts.allInnerTexts()).map((text) => text.trim()), wanted));
}

test('repeats, an excluded date and public holidays are in the preview as it is typed, and on the schedule', { timeout: 120_000 }, async () => {
  const { product, me } = shared;
  const { page } = me;
  const year = comingYear();
  await fillSchedule(page, product.base, year);
  const starts = (...days) => days.map((day) => `${day} 17:30`);
  await previewed(page, starts(`30/12/${year}`, `31/12/${year}`, `01/01/${year + 1}`, `02/01/${year + 1}`, `03/01/${year + 1}`));

  await page.locator('#more summary').click();
  await page.locator('input[name=not_on][value=vn-public-holidays]').check();
  await previewed(page, starts(`30/12/${year}`, `31/12/${year}`, `02/01/${year + 1}`, `03/01/${year + 1}`, `04/01/${year + 1}`));
  await page.locator('#excluded').fill(`31/12/${year}`);
  await page.locator('#rounds').fill('2');
  await page.locator('#gap').fill('10');
  await page.locator('#gap').blur();
  await previewed(page, starts(`30/12/${year}`, `02/01/${year + 1}`, `03/01/${year + 1}`, `04/01/${year + 1}`, `05/01/${year + 1}`));

  await page.locator('form[action="/schedules"] button.btn-primary').click();
  await page.waitForURL((url) => url.pathname === '/schedules');
  const row = page.locator('tr', { hasText: `Không phát ngày: 31/12/${year}` });
  assert.match(await row.innerText(), /Không phát vào: Ngày nghỉ lễ, Tết/);
  assert.match(await row.innerText(), /Mỗi buổi phát 2 lần, cách nhau 10 giây/);
  assert.deepEqual(me.complaints, []);
});

test('what is wrong is told at its field, and nothing of the form is lost', { timeout: 60_000 }, async () => {
  const { product, me } = shared;
  const { page } = me;
  await fillSchedule(page, product.base, comingYear());
  await page.locator('#more summary').click();
  await page.locator('#excluded').fill('30/02/2027');
  await page.locator('form[action="/schedules"] button.btn-primary').click();
  await page.locator('#excluded-error').getByText('“30/02/2027” không phải là ngày').waitFor();
  assert.equal(await page.locator('#excluded').inputValue(), '30/02/2027');
  assert.equal(await page.locator('input[name=area][value=xa-lac-duong]').isChecked(), true);
});
