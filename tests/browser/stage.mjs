// What the tests of a file share: the running product, a browser, and an administrator who is signed in.
import { after, before } from 'node:test';
import { person, startBrowser, startProduct, welcome } from './product.mjs';

/**
 * Starts product and browser before the tests of a file, and ends both after them. Gives an object with `product` and
 * `browser`, and with `me`, the administrator, unless the file's own people take the link. `prepare(shared)` goes on from
 * there before the first test.
 */
export function stage({ withMe = true, prepare = async () => {} } = {}) {
  const shared = {};
  before(async () => {
    [shared.product, shared.browser] = await Promise.all([startProduct(), startBrowser()]);
    if (withMe) {
      shared.me = await person(shared.browser);
      await welcome(shared.me.page, shared.product.link);
    }
    await prepare(shared);
  });
  after(async () => {
    await shared.browser?.close();
    await shared.product?.stop();
  });
  return shared;
}
