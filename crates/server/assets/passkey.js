// Passkeys: the browser is asked for what a form needs, and its answer goes with the form.
(() => {
  'use strict';
  // Where this runs, it need not be said that nothing works without it.
  document.querySelectorAll('[data-without-script]').forEach(one => { one.hidden = true; });

  const bytes = text => Uint8Array.from(
    atob(text.replace(/-/g, '+').replace(/_/g, '/')), one => one.charCodeAt(0));
  const text = buffer => btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
  const listed = list => list.map(one => ({ ...one, id: bytes(one.id) }));

  const ways = {
    async make(options) {
      const { response } = await navigator.credentials.create({ publicKey: {
        ...options,
        challenge: bytes(options.challenge),
        user: { ...options.user, id: bytes(options.user.id) },
        excludeCredentials: listed(options.excludeCredentials),
      } });
      return {
        client_data_json: text(response.clientDataJSON),
        attestation_object: text(response.attestationObject),
      };
    },
    async sign(options) {
      const { rawId, response } = await navigator.credentials.get({ publicKey: {
        ...options,
        challenge: bytes(options.challenge),
        allowCredentials: listed(options.allowCredentials),
      } });
      return {
        credential_id: text(rawId),
        authenticator_data: text(response.authenticatorData),
        client_data_json: text(response.clientDataJSON),
        signature: text(response.signature),
        user_handle: response.userHandle && text(response.userHandle),
      };
    },
  };

  document.addEventListener('submit', async event => {
    const form = event.target;
    const way = ways[form.dataset.passkey];
    if (!way) return;
    event.preventDefault();
    const failed = form.querySelector('[role="alert"]');
    const button = form.querySelector('button');
    failed.hidden = true;
    button.disabled = true;
    try {
      const said = await way(JSON.parse(form.dataset.options));
      form.elements.said.value = JSON.stringify(said);
      form.submit();
    } catch (error) {
      failed.textContent = navigator.credentials
        ? `The browser gave no passkey (${error.name}). Nothing was sent; try again.`
        : 'This browser has no passkeys here: they need https.';
      failed.hidden = false;
      button.disabled = false;
      button.focus();
    }
  });
})();
