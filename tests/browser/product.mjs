// The running product: the demo's programs, and people in a real browser.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { chromium } from 'playwright-core';

const root = path.resolve(import.meta.dirname, '../..');
const profile = process.env.LOA_PROFILE ?? 'debug';

async function freePort() {
  const server = createServer();
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

/** Starts controller and three nodes; gives the address, a one-time link for a person with every role, and how to stop. */
export async function startProduct() {
  const folder = mkdtempSync(path.join(tmpdir(), 'loa-browser-'));
  const port = await freePort();
  const demo = spawn(path.join(root, 'target', profile, 'loa-demo'), ['--port', String(port), '--data-dir', folder], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  const link = await new Promise((found, failed) => {
    const hear = (bytes) => {
      said += bytes;
      const link = said.match(/http:\S+\/welcome\/\S+/);
      if (link) found(link[0]);
    };
    demo.stdout.on('data', hear);
    demo.stderr.on('data', hear);
    demo.on('exit', (code) => failed(new Error(`the demo ended (${code}): ${said}`)));
  });
  const stop = async () => {
    for (const controller of controllers.splice(0)) controller.kill();
    const ended = new Promise((done) => demo.once('exit', done));
    demo.kill('SIGINT');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  return { base: `http://127.0.0.1:${port}`, link, stop, killController: () => killController(demo.pid) };
}

/** Controllers that were started again. */
const controllers = [];

/** Kills the controller as a power cut does; gives how to start it again as it was. */
async function killController(demo) {
  const children = readFileSync(`/proc/${demo}/task/${demo}/children`, 'utf8').trim().split(' ');
  const list = (pid, file) => readFileSync(`/proc/${pid}/${file}`, 'utf8').split('\0').slice(0, -1);
  const pid = children.find((child) => path.basename(list(child, 'cmdline')[0]) === 'loa-controller');
  const [program, ...args] = list(pid, 'cmdline');
  const env = Object.fromEntries(list(pid, 'environ').map((entry) => entry.split(/=(.*)/s).slice(0, 2)));
  const cwd = readlinkSync(`/proc/${pid}/cwd`);
  process.kill(Number(pid), 'SIGKILL');
  return async () => {
    const controller = spawn(program, args, { env, cwd, stdio: ['ignore', 'ignore', 'pipe'] });
    controllers.push(controller);
    let said = '';
    await new Promise((ready, failed) => {
      controller.stderr.on('data', (bytes) => {
        said += bytes;
        if (/ready/.test(said)) ready();
      });
      controller.on('exit', (code) => failed(new Error(`the controller ended (${code}): ${said}`)));
    });
  };
}

/** Debian's Chromium, without the connections that it would make by itself; `args` are added to its command line. */
export function startBrowser(args = []) {
  return chromium.launch({
    executablePath: process.env.LOA_CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      ...args,
    ],
  });
}

export const DESKTOP = { width: 1280, height: 800 };
export const PHONE = { width: 390, height: 844 };

/** A person with a browser of their own. What the console says against a page is collected in `complaints`. */
export async function person(browser, viewport = DESKTOP) {
  const context = await browser.newContext({ viewport, locale: 'vi-VN', timezoneId: 'Asia/Ho_Chi_Minh' });
  const page = await context.newPage();
  const complaints = [];
  page.on('pageerror', (error) => complaints.push(`${page.url()}: ${error.message}`));
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(`${page.url()}: ${message.text()}`);
  });
  return { page, complaints, close: () => context.close() };
}

/** The passphrase of everybody here. */
const PASSPHRASE = 'suối chảy qua bản làng';

/** Signs in by a one-time link, and chooses the passphrase where one is asked for. */
export async function welcome(page, link) {
  await page.goto(link);
  const field = page.locator('#passphrase');
  if (await field.count()) {
    await field.fill(PASSPHRASE);
    await page.locator('#passphrase_again').fill(PASSPHRASE);
  }
  await page.locator('main form button.btn-primary').click();
  await page.waitForURL((url) => url.pathname === '/');
}

/** Fills the form of the page of signing in as the administrator whom `welcome` let in, and sends it. */
export async function fillSignIn(page) {
  await page.locator('#login').fill('quantri');
  await page.locator('#passphrase').fill(PASSPHRASE);
  await page.locator('main form button.btn-primary').click();
}

/** Signs the administrator in by name and passphrase. */
export async function signIn(page, base) {
  await page.goto(`${base}/sign-in`);
  await fillSignIn(page);
  await page.waitForURL((url) => url.pathname === '/');
}

/** Loads a page again and again until it shows a text. */
export async function seen(page, address, text, limit_ms = 120_000) {
  for (const end = Date.now() + limit_ms; Date.now() < end; ) {
    await page.goto(address);
    const found = page.getByText(text).first();
    if (await found.waitFor({ timeout: 2_000 }).then(() => true, () => false)) return;
  }
  throw new Error(`${address} did not show ${text} within ${limit_ms / 1000} s`);
}

/** Adds a user by the page of users, and gives the one-time link. */
export async function addUser(admin, base, { name, displayName, role, area = 'xa-lac-duong', emergency = false }) {
  await admin.goto(`${base}/users`);
  await admin.locator('input[name=name]').fill(name);
  await admin.locator('input[name=display_name]').fill(displayName);
  await admin.locator('select[name=role]').selectOption(role);
  await admin.locator('select[name=area]').selectOption(area);
  if (emergency) await admin.locator('form[action="/users"] input[name=emergency]').check();
  await admin.locator('form[action="/users"] button.btn-primary').click();
  return (await admin.getByText(/\/welcome\//).first().innerText()).trim();
}

/** Gives an emergency as an exercise, and gives its path. */
export async function giveAlert(page, base, { title, text, area = 'xa-lac-duong' }) {
  await page.goto(`${base}/alerts/new`);
  await page.locator('#status').selectOption('exercise');
  await page.locator(`input[name=areas][value=${area}]`).check();
  await page.locator('#title').fill(title);
  await page.locator('#text').fill(text);
  await page.locator('#severity').selectOption('severe');
  await page.locator('main form button.btn-bad').click();
  await page.waitForURL(/\/alerts\/(?!new)[^/]+$/);
  return new URL(page.url()).pathname;
}

/** Fills the form of a bulletin, and leaves it unsaved. */
export async function fillBulletin(page, base, { title, text, category = 'health', area = 'xa-lac-duong' }) {
  await page.goto(`${base}/bulletins/new`);
  await page.locator('#title').fill(title);
  await page.locator('#text').fill(text);
  await page.locator('select[name=category]').selectOption(category);
  const choice = page.locator('select[name=area]');
  if (await choice.count()) await choice.selectOption(area);
}

/** Writes a bulletin, waits until its sound is made, and gives its path. */
export async function writeBulletin(page, base, bulletin) {
  await fillBulletin(page, base, bulletin);
  await page.locator('button[value=save]').click();
  await page.waitForURL(/\/bulletins\/(?!new)[^/]+$/);
  await page.locator('audio').first().waitFor({ state: 'attached', timeout: 60_000 });
  return new URL(page.url()).pathname;
}
