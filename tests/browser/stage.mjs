// What the tests of a file share: the running product, a browser, and an administrator who is signed in.
import { after, before } from 'node:test';
import { person, startBrowser, startProduct, welcome } from './product.mjs';

/**
 * Starts product and browser before the tests of a file, and ends both after them. Gives an object with `product` and
 * `browser`, and with `me`, the administrator, unless the file's own people take the link.
 */
export function stage({ withMe = true } = {}) {
  const shared = {};
  before(async () => {
    [shared.product, shared.browser] = await Promise.all([startProduct(), startBrowser()]);
    if (!withMe) return;
    shared.me = await person(shared.browser);
    await welcome(shared.me.page, shared.product.link);
  });
  after(async () => {
    await shared.browser?.close();
    await shared.product?.stop();
  });
  return shared;
}
