// What all steps in a browser stand on: Debian's Chromium, people who log in, a look at a page, and the
// faults that end a run: any violation of the content security policy, any error on the console and
// anything that axe finds.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

export const { BASE, OUT } = process.env;
const modules = createRequire(path.join(process.env.MODULES, 'x.js'));
const { chromium } = modules('playwright-core');
const axe = fs.readFileSync(modules.resolve('axe-core/axe.min.js'), 'utf8');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
export const faults = [];
export const expect = (holds, what) => { if (!holds) throw new Error(what); };

const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});

/// A browser of somebody's own.
export async function context(options = {}) {
  const one = await browser.newContext({ reducedMotion: 'reduce', ...options });
  one.setDefaultTimeout(20_000);
  if (options.javaScriptEnabled !== false) {
    await one.addInitScript(() => document.addEventListener('securitypolicyviolation',
      e => console.error('CSP', e.violatedDirective, e.blockedURI, e.sample)));
  }
  one.on('page', page => {
    page.on('console', m => {
      // A refusal is a page with its own status, which the browser also logs.
      const refused = /status of (401|403|404|409|422)/.test(m.text());
      if (['error', 'warning'].includes(m.type()) && !refused) faults.push(`${page.url()}: ${m.text()}`);
    });
    page.on('pageerror', e => faults.push(`${page.url()}: ${e.message}`));
  });
  return one;
}

export async function api(secret, method, where, body) {
  const answer = await fetch(`${BASE}/api/v1${where}`, {
    method, body: body && JSON.stringify(body),
    headers: secret ? { authorization: `Bearer ${secret}` } : {},
  });
  expect(answer.ok, `${method} ${where}: ${answer.status}`);
  return answer.json();
}

/// An administrator.
export const lena = (await api('', 'POST', '/login', { code: process.env.CODE })).secret;

/// Logs somebody in through the page, as they would.
export async function enter(page, person) {
  const code = (await api(lena, 'POST', '/login-codes', { person })).secret;
  await page.goto(`${BASE}/`);
  await page.getByLabel('One-time code').fill(code);
  await page.getByRole('button', { name: 'Log in', exact: true }).click();
  await page.getByRole('heading', { name: 'Mine', level: 1 }).waitFor();
  return page;
}

/// Presses an access key. Playwright's own presses do not say which letter it is that Alt goes with.
export async function accessKey(page, letter) {
  const keyboard = await page.context().newCDPSession(page);
  const code = `Key${letter.toUpperCase()}`;
  await keyboard.send('Input.dispatchKeyEvent', { type: 'keyDown', modifiers: 1, key: letter, code, unmodifiedText: letter });
  await keyboard.send('Input.dispatchKeyEvent', { type: 'keyUp', modifiers: 1, key: letter, code });
  await keyboard.detach();
}

/// Looks at a page at two widths in both schemes. `open` brings it there each time, if it does not stay.
export async function look(page, name, open = async () => {}) {
  for (const [width, height] of [[1280, 800], [390, 844]]) {
    for (const colorScheme of ['light', 'dark']) {
      await page.setViewportSize({ width, height });
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      const now = `${name} ${width} ${colorScheme}`;
      await open(now);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      if (wide > 0) faults.push(`${now}: scrolls sideways by ${wide}`);
      await page.evaluate(axe);
      const found = await page.evaluate(rules => axe.run(document, { runOnly: rules }), RULES);
      for (const one of found.violations) {
        faults.push(`${now}: ${one.id}: ${one.nodes.map(node => node.target.join(' ')).join(', ')}`);
      }
      await page.screenshot({ path: path.join(OUT, `${now.replace(/[^a-z0-9]+/g, '-')}.png`), fullPage: true });
    }
  }
  await page.setViewportSize({ width: 1280, height: 800 });
}

/// Goes through all steps, and says what was wrong.
export async function run(steps) {
  await steps().catch(error => faults.push(error.stack));
  await browser.close();
  if (faults.length > 0) {
    console.error(faults.join('\n'));
    process.exit(1);
  }
}
