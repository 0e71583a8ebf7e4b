// The pages in a real browser, as people use them. `main.rs` starts the server and says where it is.
import fs from 'node:fs';
import path from 'node:path';

import { BASE, OUT, accessKey, api, context, enter, expect, faults, lena, look, run } from './ground.mjs';

const { ASSETS, GROUPS } = process.env;

/// Somebody in a browser of their own.
const person = async (who, options) => enter(await (await context(options)).newPage(), who);

async function until(what, holds) {
  for (const end = Date.now() + 30_000; Date.now() < end;) {
    if (await holds()) return;
    await new Promise(done => setTimeout(done, 300));
  }
  throw new Error(`in vain: ${what}`);
}

/// Asks, lets both agree, and waits until it is seen.
async function flow(asker, options) {
  const asks = await person(asker, options);
  await asks.getByRole('link', { name: 'Ask for access' }).click();
  await asks.getByLabel('What do you need?').fill('preview');
  await asks.getByRole('button', { name: 'Search' }).click();
  await asks.getByRole('link', { name: 'Ask for preview-editor' }).click();
  await asks.getByLabel('How long').fill('2d');
  if (options?.javaScriptEnabled !== false) {
    // The way follows what is typed, without leaving the page.
    await asks.getByLabel('Why').focus();
    await asks.getByText('for 2d', { exact: true }).waitFor();
  }
  await asks.getByLabel('Why').fill('write the page about the summer party');
  await asks.getByRole('button', { name: 'Send the request' }).click();
  await asks.waitForURL(/requests/);
  const request = new URL(asks.url()).pathname;
  for (const approver of ['mira', 'tove']) {
    const decides = await person(approver, options);
    await decides.getByRole('link', { name: /^Decide/ }).click();
    await decides.locator(`td.do a[href="${request}"]`).click();
    await decides.getByRole('button', { name: 'Agree to exactly this' }).click();
    await decides.waitForURL(/\/(requests|decide)/);
    await decides.context().close();
  }
  await asks.goto(`${BASE}/`);
  const active = asks.locator('.tag.ok', { hasText: 'active' }).first();
  if (options?.javaScriptEnabled !== false) {
    // The page is told, and fetches itself again.
    await active.waitFor();
  } else {
    await until('it is seen granted', async () => {
      await asks.goto(`${BASE}/`);
      return active.isVisible();
    });
  }
  return asks;
}

await run(async () => {
  // ---- somebody asks, two agree, it is there; an auditor takes the proof away ----
  const jon = await flow('jon');
  await jon.locator('#held a').first().click();
  await jon.getByRole('heading', { name: 'Its life' }).waitFor();
  const grant = jon.url();
  await jon.locator('svg.lanes a').first().focus();
  await jon.keyboard.press('Enter');
  expect(jon.url().includes('#e'), 'a mark leads to its entry');

  const pia = await person('pia');
  await pia.goto(grant);
  await pia.getByRole('button', { name: 'Verify here' }).click();
  await pia.getByText('the evidence holds').waitFor();
  const [file] = await Promise.all([
    pia.waitForEvent('download'), pia.getByRole('button', { name: 'Download evidence' }).click(),
  ]);
  await file.saveAs(path.join(OUT, 'evidence.json'));

  // ---- what nobody approved is found, and removed by whoever answers for it ----
  const groups = fs.readFileSync(GROUPS, 'utf8');
  fs.writeFileSync(GROUPS, groups.replace('site-admins:', 'site-admins: mallory'));
  const tove = await person('tove');
  await until('the drift is found', async () => {
    await tove.goto(`${BASE}/findings`);
    return tove.getByRole('link', { name: /mallory/ }).isVisible();
  });
  await tove.getByRole('link', { name: /mallory/ }).click();
  await tove.getByText('Behind it is no request').waitFor();
  const finding = tove.url();
  await tove.getByRole('button', { name: /Remove it/ }).click();
  await until('it is gone', async () => !fs.readFileSync(GROUPS, 'utf8').includes('mallory'));

  // ---- an open request, and every page at two widths in both schemes ----
  const ravi = await person('ravi');
  await ravi.goto(`${BASE}/ask/preview-editor`);
  await ravi.getByLabel('How long').fill('1d');
  await ravi.getByLabel('Why').fill('try the new pages with the editors');
  await ravi.getByRole('button', { name: 'Send the request' }).click();
  await ravi.waitForURL(/requests/);
  const open = ravi.url();
  const mira = await person('mira');
  const nobody = await (await context()).newPage();

  // ---- a refusal comes back beside its field, and the keyboard gets to each decision ----
  await mira.goto(`${BASE}/decide`);
  await accessKey(mira, 'n');
  await mira.waitForURL(/requests/);
  expect(mira.url() === open, 'a key opens the first that waits');
  await accessKey(mira, 'l');
  await mira.getByLabel('For how long').waitFor();
  await accessKey(mira, 'q');
  await mira.getByLabel('Your question').waitFor();
  await accessKey(mira, 'r');
  await mira.getByLabel('Why not').fill('x'.repeat(2001));
  await mira.getByRole('button', { name: 'Refuse the request' }).click();
  await mira.getByText('Nothing was done').waitFor();
  expect(await mira.getByLabel('Why not').evaluate(one => one === document.activeElement && one.value.length === 2001),
    'the field that is wrong has the focus, and what was typed');
  await look(mira, '/refused');
  await accessKey(mira, 'd');
  await mira.waitForURL(/decide/);
  const administrator = await person('lena');

  // ---- what a program may do is shown once; somebody decides for another; a session is ended ----
  await jon.goto(`${BASE}/sessions`);
  await jon.getByText('Make a token').click();
  await jon.getByLabel('How long').fill('30d');
  await jon.getByRole('button', { name: 'Make the token' }).click();
  const token = await jon.locator('code.code').textContent();
  expect((await api(token, 'GET', '/requests')).length > 0, 'the token reads');
  await jon.goto(`${BASE}/sessions`);
  expect(!(await jon.content()).includes(token), 'it is shown once');
  const left = await person('jon');
  await jon.goto(`${BASE}/sessions`);
  await jon.locator('form[action$="/end"] button').first().click();
  await left.goto(`${BASE}/`);
  await left.getByLabel('One-time code').waitFor();
  await mira.goto(`${BASE}/delegations`);
  await mira.getByLabel('Who').fill('lena');
  await mira.getByLabel('To the day').fill(new Date(Date.now() + 5 * 864e5).toISOString().slice(0, 10));
  await mira.getByRole('button', { name: 'Delegate' }).click();
  await mira.getByRole('button', { name: /^End the delegation/ }).waitFor();
  await api(lena, 'POST', '/catalogue/proposals', { catalogue: { team: [{ name: 'night-desk' }], person: [{
    handle: 'ada', name: 'Ada Night', manager: 'mira', teams: ['editors', 'night-desk'] }] } });

  // ---- history is searched, taken away, and its proof is one click away ----
  await pia.goto(`${BASE}/history`);
  await pia.getByLabel('Who asked, received or agreed').fill('mira');
  await pia.getByRole('button', { name: 'Search' }).click();
  await pia.getByRole('link', { name: 'preview-editor for 2 d' }).first().waitFor();
  const [table] = await Promise.all([
    pia.waitForEvent('download'), pia.getByRole('link', { name: 'Export as CSV' }).click(),
  ]);
  await table.saveAs(path.join(OUT, 'history.csv'));
  expect(fs.readFileSync(path.join(OUT, 'history.csv'), 'utf8').includes('preview-editor'), 'the table has it');
  await pia.getByRole('button', { name: /^Verify/ }).first().click();
  await pia.getByText('the evidence holds').waitFor();

  // ---- what it would take is asked of policy, for somebody else ----
  await mira.goto(`${BASE}/policy`);
  await mira.getByLabel('Who').fill('jon');
  await mira.getByLabel('Entitlement').fill('site-admin');
  await mira.getByLabel('How long').fill('1h');
  await mira.getByRole('button', { name: 'Ask policy' }).click();
  await mira.getByText('What would come of it now').waitFor();
  const whatIf = mira.url().split('#')[0];

  await administrator.goto(`${BASE}/proposals`);
  await administrator.locator('table a').first().click();
  await administrator.getByText('Withdraw it').waitFor();
  const proposal = administrator.url();
  const pages = [
    [nobody, `${BASE}/login`], [jon, `${BASE}/`], [administrator, `${BASE}/`], [jon, `${BASE}/ask`],
    [jon, `${BASE}/ask/preview-editor`], [jon, `${BASE}/ask/build-logs?length=2h`], [mira, `${BASE}/decide`],
    [mira, open], [ravi, open], [jon, grant], [tove, `${BASE}/findings?all=true`], [tove, finding],
    [jon, `${BASE}/targets`], [administrator, `${BASE}/identities`], [jon, `${BASE}/identities`],
    [administrator, `${BASE}/identities/jon`], [tove, `${BASE}/identities/site-ci`], [jon, `${BASE}/entitlements/preview-editor`],
    [tove, `${BASE}/targets/staff-site?all=true`], [jon, `${BASE}/targets/staff-site`], [administrator, `${BASE}/history`],
    [jon, `${BASE}/history?since=never`], [nobody, `${BASE}/history`], [jon, `${BASE}/policy`], [mira, whatIf],
    [administrator, `${BASE}/overview`], [tove, `${BASE}/overview`], [jon, `${BASE}/overview`], [jon, `${BASE}/sessions`],
    [mira, `${BASE}/delegations`], [jon, `${BASE}/delegations`], [jon, `${BASE}/handovers`], [jon, `${BASE}/work`],
    [administrator, `${BASE}/proposals`], [administrator, proposal], [tove, `${BASE}/decide`],
  ];
  const linked = ['placet.css', 'htmx.min.js', 'live.js']
    .reduce((sum, one) => sum + fs.statSync(path.join(ASSETS, one)).size, 0);
  for (const [page, url] of pages) {
    await look(page, new URL(url).pathname, async name => {
      const size = (await (await page.goto(url)).body()).length + linked;
      if (size > 100_000) faults.push(`${name}: ${size} bytes`);
    });
  }

  // ---- agreed to by a key ----
  await mira.goto(open);
  await accessKey(mira, 'a');
  await mira.getByText('Mira Sol agreed').waitFor();

  // ---- given back, and the whole of it again without script ----
  await jon.goto(`${BASE}/`);
  await jon.getByRole('button', { name: /Give back/ }).first().click();
  await until('it is over', async () => {
    await jon.goto(`${BASE}/`);
    return !(await jon.locator('#held').isVisible());
  });
  await flow('jon', { javaScriptEnabled: false });
});
console.log('every page was looked at');
