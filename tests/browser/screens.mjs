// Screenshots of the running product for the README, into docs/screens.
import path from 'node:path';
import { DESKTOP, PHONE, person, seen, startBrowser, startProduct, welcome } from './product.mjs';

const folder = path.resolve(import.meta.dirname, '../../docs/screens');
const [product, browser] = await Promise.all([startProduct(), startBrowser()]);
try {
  const { page } = await person(browser, DESKTOP);
  await welcome(page, product.link);
  const shoot = (name) => page.screenshot({ path: path.join(folder, `${name}.png`) });
  await seen(page, `${product.base}/heard`, '3/3');
  await shoot('heard');
  await page.goto(product.base);
  await shoot('today');
  await page.goto(`${product.base}/bulletins`);
  await page.locator('main a[href^="/bulletins/"]:not([href$="/new"])').first().click();
  await page.waitForURL(/\/bulletins\/[^/]+$/);
  await shoot('bulletin');
  await page.goto(`${product.base}/nodes`);
  await shoot('nodes');
  await page.goto(`${product.base}/bulletins/new`);
  await shoot('compose');
  await page.setViewportSize(PHONE);
  await page.goto(product.base);
  await shoot('today-phone');
} finally {
  await browser.close();
  await product.stop();
}
