// Passkeys in a real browser, with the authenticator that Chromium has for tests: added, vouched for by
// a second person, signed with, logged in by. `main.rs` starts the server and says where it is.
import { BASE, context, enter, look, run } from './ground.mjs';

/// A page in a browser of somebody's own; `device` is whether it has an authenticator that knows them.
async function own(device) {
  const page = await (await context()).newPage();
  let authenticator;
  if (device) {
    const tools = await page.context().newCDPSession(page);
    await tools.send('WebAuthn.enable');
    const options = { protocol: 'ctap2', transport: 'internal', hasResidentKey: true,
      hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true };
    const { authenticatorId } = await tools.send('WebAuthn.addVirtualAuthenticator', { options });
    authenticator = verified => tools.send('WebAuthn.setUserVerified',
      { authenticatorId, isUserVerified: verified });
  }
  return { page, authenticator };
}

await run(async () => {
  // ---- Tove adds one, and it is good for nothing until her manager vouches for it ----
  const { page: tove, authenticator } = await own(true);
  await enter(tove, 'tove');
  await tove.goto(`${BASE}/passkeys`);
  await look(tove, 'passkeys-none');
  await tove.getByRole('button', { name: 'Add a passkey' }).click();
  await look(tove, 'passkey-make');
  await tove.getByLabel('What you call it').fill('my laptop');
  await tove.getByRole('button', { name: 'Make the passkey' }).click();
  await tove.getByText('it waits until somebody vouches for it').waitFor();
  const { page: mira } = await own(false);
  await enter(mira, 'mira');
  await mira.goto(`${BASE}/passkeys`);
  await mira.getByRole('rowheader', { name: /Tove Rask/ }).waitFor();
  await look(mira, 'passkeys-vouch');
  await mira.getByRole('button', { name: /^Vouch/ }).click();
  await mira.getByRole('heading', { name: 'You have no passkey' }).waitFor();
  await tove.goto(`${BASE}/passkeys`);
  await tove.getByText(/Mira Sol vouched for it/).waitFor();
  await look(tove, 'passkeys');

  // ---- Jon asks; where the owner agrees, Tove signs the digest ----
  const { page: jon } = await own(false);
  await enter(jon, 'jon');
  await jon.goto(`${BASE}/ask/preview-editor`);
  await jon.getByLabel('How long').fill('1d');
  await jon.getByLabel('Why').fill('write the page about the summer party');
  await jon.getByRole('button', { name: 'Send the request' }).click();
  await jon.waitForURL(/requests/);
  const request = jon.url();
  await mira.goto(request);
  await mira.getByRole('button', { name: 'Agree to exactly this' }).click();
  await mira.getByRole('button', { name: 'Agree to exactly this' }).waitFor({ state: 'hidden' });
  await tove.goto(request);
  await tove.getByText('the next page asks for your passkey').waitFor();
  await tove.getByRole('button', { name: 'Agree to exactly this' }).click();
  await tove.getByRole('heading', { name: 'Sign what you agree to' }).waitFor();
  await look(tove, 'passkey-sign');
  // Whoever the device does not know signs nothing, and is told so.
  await authenticator(false);
  await tove.getByRole('button', { name: 'Sign with your passkey' }).click();
  await tove.getByText('Nothing was sent').waitFor();
  await authenticator(true);
  await tove.getByRole('button', { name: 'Sign with your passkey' }).click();
  await tove.waitForURL(url => !url.pathname.endsWith('/approve'));
  await jon.goto(request);
  await jon.getByText(/Tove Rask agreed, signed with a passkey/).waitFor();

  // ---- she comes back by her passkey, to where she was ----
  await tove.goto(`${BASE}/`);
  await tove.locator('.person summary').click();
  await tove.getByRole('button', { name: 'Log out' }).click();
  await tove.goto(`${BASE}/findings`);
  await look(tove, 'login');
  await tove.getByRole('button', { name: 'Log in with a passkey' }).click();
  await look(tove, 'login-passkey');
  await tove.getByRole('button', { name: 'Use your passkey' }).click();
  await tove.getByRole('heading', { name: 'Findings', level: 1 }).waitFor();

  // ---- revoked, it lets nobody in ----
  await tove.goto(`${BASE}/passkeys`);
  await tove.getByRole('button', { name: /^Revoke/ }).click();
  await tove.getByText(/revoked/).first().waitFor();
  await tove.locator('.person summary').click();
  await tove.getByRole('button', { name: 'Log out' }).click();
  await tove.getByRole('button', { name: 'Log in with a passkey' }).click();
  await tove.getByRole('button', { name: 'Use your passkey' }).click();
  await tove.getByText('this passkey opens no session here').waitFor();

  // ---- without script, the page says what it needs ----
  const plain = await (await context({ javaScriptEnabled: false })).newPage();
  await plain.goto(`${BASE}/login`);
  await plain.getByRole('button', { name: 'Log in with a passkey' }).click();
  await plain.getByText('a passkey needs script in this page').waitFor();
});
console.log('passkeys were used');
