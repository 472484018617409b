import { describe, expect, test } from "vitest";

import { backUp, restore } from "../../web/phone/backup";
import { addressOfKey } from "../../web/protocol/account";
import { fromHex, toHex } from "../../web/protocol/bytes";

const KEY = fromHex("0x7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d");

// The example of the Web3 Secret Storage definition (PBKDF2).
const EXAMPLE = {
  crypto: {
    cipher: "aes-128-ctr",
    cipherparams: { iv: "6087dab2f9fdbbfaddc31a909735c1e6" },
    ciphertext: "5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46",
    kdf: "pbkdf2",
    kdfparams: {
      c: 262144,
      dklen: 32,
      prf: "hmac-sha256",
      salt: "ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd",
    },
    mac: "517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2",
  },
  id: "3198bc9c-6672-5ab3-d995-4942343ae5b6",
  version: 3,
};

describe("backup", () => {
  test("a file of any Ethereum wallet opens", async () => {
    expect(toHex(await restore(JSON.stringify(EXAMPLE), "testpassword"))).toBe(toHex(KEY));
  });

  test("what is saved opens with its password and with no other", async () => {
    const text = await backUp(KEY, "correct horse");
    expect(toHex(await restore(text, "correct horse"))).toBe(toHex(KEY));
    await expect(restore(text, "correct house")).rejects.toMatchObject({ code: "backup_password" });
    expect(text).not.toContain(toHex(KEY).slice(2));
    expect(JSON.parse(text)).toMatchObject({ version: 3, address: addressOfKey(KEY).slice(2).toLowerCase() });
  });

  test("one bit changed is noticed", async () => {
    const bent = { ...EXAMPLE, crypto: { ...EXAMPLE.crypto, ciphertext: `4${EXAMPLE.crypto.ciphertext.slice(1)}` } };
    await expect(restore(JSON.stringify(bent), "testpassword")).rejects.toMatchObject({ code: "backup_password" });
  });

  test.each([
    ["", "empty"],
    ["[]", "a list"],
    ["{}", "an empty object"],
    ["null", "null"],
    [JSON.stringify({ ...EXAMPLE, version: 1 }), "another version"],
    [JSON.stringify({ ...EXAMPLE, crypto: { ...EXAMPLE.crypto, kdf: "scrypt" } }), "another way to derive"],
    [
      JSON.stringify({
        ...EXAMPLE,
        crypto: { ...EXAMPLE.crypto, kdfparams: { ...EXAMPLE.crypto.kdfparams, c: 1e12 } },
      }),
      "endless",
    ],
    [" ".repeat(20_000), "long"],
  ])("%#: a file that is none is refused", async (text) => {
    await expect(restore(text, "testpassword")).rejects.toMatchObject({ code: "backup_unreadable" });
  });

  test("a short password is refused", async () => {
    await expect(backUp(KEY, "1234567")).rejects.toMatchObject({ code: "password_short" });
  });
});
