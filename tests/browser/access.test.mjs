// Every page by keyboard and for those who do not see it: axe-core's rules in both languages, both themes, on desk and phone.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { overflow, violations } from './axe.mjs';
import { DESKTOP, PHONE, giveAlert, person, writeBulletin } from './product.mjs';
import { stage } from './stage.mjs';

let addresses;
const shared = stage({ prepare: findAddresses });

async function findAddresses({ me: { page }, product }) {
  const first = async (list, link) => {
    await page.goto(product.base + list);
    return page.locator(link).first().getAttribute('href');
  };
  const draft = await writeBulletin(page, product.base, { title: 'Lịch tiêm chủng', text: 'Sáng thứ bảy tiêm vắc xin.' });
  const alert = await giveAlert(page, product.base, { title: 'Lũ quét', text: 'Nước suối đang lên nhanh.' });
  const node = await first('/nodes', 'main a[href^="/nodes/"]:not([href$="/new"])');
  const user = await first('/users', 'main a[href^="/users/"]');
  const approved = await first('/bulletins?state=approved', 'main a[href^="/bulletins/"]:not([href$="/new"])');
  addresses = [
    '/', '/bulletins', '/bulletins?state=rejected', '/bulletins/new', draft, `${draft}/edit`, `${draft}/record?language=kpm`, approved, '/schedules',
    '/schedules/new', '/heard', '/heard?outcome=missed', '/nodes', '/nodes/new', node, `${node}/revoke`, '/areas', '/areas/xa-lac-duong', '/areas/xa-lac-duong/words?say=K\'Ho', '/users',
    user, '/alerts', '/alerts/new', alert, '/orders', '/speech-data', '/audit', '/account', '/nowhere',
  ];
}

async function look(page, lang, theme, size) {
  await page.context().addCookies([
    { name: 'lang', value: lang, url: shared.product.base },
    { name: 'theme', value: theme, url: shared.product.base },
  ]);
  await page.setViewportSize(size);
}

for (const lang of ['vi', 'en']) {
  for (const theme of ['light', 'dark']) {
    test(`pages in ${lang}, ${theme}`, { timeout: 300_000 }, async () => {
      const { product, browser, me } = shared;
      const told = [];
      for (const size of [DESKTOP, PHONE]) {
        await look(me.page, lang, theme, size);
        for (const address of addresses) {
          const where = `${address} at ${size.width} px`;
          await me.page.goto(product.base + address);
          told.push(...(await violations(me.page, where)), ...(await overflow(me.page, where)));
        }
        const guest = await person(browser, size);
        await look(guest.page, lang, theme, size);
        for (const address of ['/sign-in', '/welcome/none']) {
          await guest.page.goto(product.base + address);
          told.push(...(await violations(guest.page, address)), ...(await overflow(guest.page, address)));
        }
        await guest.close();
      }
      assert.deepEqual(told, []);
    });
  }
}

/** Whether the element that has the focus shows that it has. */
function showsFocus() {
  const element = document.activeElement;
  const shown = element.matches('input[type=radio], input[type=checkbox]') ? [element, element.closest('label')] : [element];
  return shown.filter(Boolean).some((one) => {
    const style = getComputedStyle(one);
    return (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== 'none';
  });
}

test('every page is walked through by the tab key, each stop to be seen', { timeout: 300_000 }, async () => {
  const { product, me: { page } } = shared;
  const told = [];
  for (const size of [DESKTOP, PHONE]) {
    await look(page, 'vi', 'light', size);
    for (const address of addresses) {
      await page.goto(product.base + address);
      await page.keyboard.press('Tab');
      assert.equal(await page.evaluate(() => document.activeElement.className), 'skip', address);
      await page.keyboard.press('Enter');
      for (let stops = 0; stops < 120; stops += 1) {
        await page.keyboard.press('Tab');
        const stop = await page.evaluate(() => document.activeElement !== document.body && document.activeElement.outerHTML.slice(0, 120));
        if (!stop) break;
        if (!(await page.evaluate(showsFocus))) told.push(`${address} at ${size.width} px: ${stop}`);
      }
    }
  }
  assert.deepEqual([...new Set(told)], []);
});

test('what unfolds on the phone closes with Escape and gives the focus back', { timeout: 60_000 }, async () => {
  const { product, me: { page } } = shared;
  await look(page, 'vi', 'light', PHONE);
  await page.goto(product.base);
  const more = page.locator('.tabbar summary');
  await more.focus();
  await page.keyboard.press('Enter');
  const account = page.locator('.tabbar-more a[href="/account"]');
  await account.waitFor({ state: 'visible' });
  await account.focus();
  await page.keyboard.press('Escape');
  await account.waitFor({ state: 'hidden' });
  assert.equal(await more.evaluate((summary) => summary === document.activeElement), true);
});
