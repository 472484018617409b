import type { Hex } from "../protocol/bytes";
import { EdgebountyError } from "../protocol/errors";

const REFUSED = 4001; // EIP-1193
const UNKNOWN_CHAIN = 4902;

export interface Provider {
  request(call: { method: string; params?: readonly unknown[] }): Promise<unknown>;
}

/** A wallet that announced itself (EIP-6963). */
export interface Wallet {
  readonly info: { readonly uuid: string; readonly name: string; readonly rdns: string };
  readonly provider: Provider;
}

/** The wallet said no, or cannot do it; nothing was sent. */
export class WalletRefused extends EdgebountyError {
  constructor(code: "refused" | "wallet_wrong_chain" | "wallet", detail: string, options?: { cause?: unknown }) {
    super(code, detail, options);
  }
}

/** Tells of every wallet, those that come later too. Returns what ends it. */
export function findWallets(onWallet: (wallet: Wallet) => void): () => void {
  const listener = (event: Event) => {
    const { detail } = event as CustomEvent<Wallet>;
    if (typeof detail?.provider?.request === "function" && typeof detail.info?.name === "string") onWallet(detail);
  };
  addEventListener("eip6963:announceProvider", listener);
  dispatchEvent(new Event("eip6963:requestProvider"));
  return () => removeEventListener("eip6963:announceProvider", listener);
}

/** The chosen account, on the market's chain. Throws `WalletRefused`. */
export async function connect(provider: Provider, chainId: number): Promise<Hex> {
  const [account] = await ask<Hex[]>(provider, "eth_requestAccounts", []);
  if (!account) throw new WalletRefused("refused", "the wallet gave no account");
  if (Number(await ask<Hex>(provider, "eth_chainId", [])) !== chainId) {
    try {
      await ask(provider, "wallet_switchEthereumChain", [{ chainId: `0x${chainId.toString(16)}` }]);
    } catch (cause) {
      throw new WalletRefused("wallet_wrong_chain", `the wallet is not on chain ${chainId}`, { cause });
    }
  }
  return account;
}

export async function signTypedData(provider: Provider, account: Hex, data: object): Promise<Hex> {
  return await ask<Hex>(provider, "eth_signTypedData_v4", [account, JSON.stringify(data)]);
}

export async function sendTransaction(provider: Provider, from: Hex, to: Hex, data: Hex): Promise<Hex> {
  return await ask<Hex>(provider, "eth_sendTransaction", [{ from, to, data }]);
}

async function ask<T>(provider: Provider, method: string, params: readonly unknown[]): Promise<T> {
  try {
    return (await provider.request({ method, params })) as T;
  } catch (cause) {
    const { code, message } = cause as { code?: number; message?: string };
    if (code === REFUSED) throw new WalletRefused("refused", "it was refused in the wallet", { cause });
    if (code === UNKNOWN_CHAIN)
      throw new WalletRefused("wallet_wrong_chain", "the wallet does not know this chain", { cause });
    throw new WalletRefused("wallet", message ?? String(cause), { cause });
  }
}
