import { decodeFunctionResult, encodeFunctionData, parseSignature } from "viem";

import type { MarketChain } from "../chain/market";
import { EdgeToken } from "../generated/abi";
import type { Hex } from "../protocol/bytes";
import { type Provider, signTypedData } from "./wallet";

const SCHEME = "Edgebounty-Permit";

/** EIP-2612: an allowance of exactly the escrow, so that posting is one transaction. Until then it opens the gateway. */
export interface Permit {
  readonly owner: Hex;
  readonly value: bigint;
  readonly nonce: bigint;
  readonly deadline: number;
  readonly signature: Hex;
}

export async function signPermit(
  chain: MarketChain,
  provider: Provider,
  wanted: { owner: Hex; value: bigint; deadline: number },
): Promise<Permit> {
  const { owner, value, deadline } = wanted;
  const data = encodeFunctionData({ abi: EdgeToken, functionName: "eip712Domain" });
  const answer = await chain.read(chain.at.token, data);
  const [, name, version] = decodeFunctionResult({ abi: EdgeToken, functionName: "eip712Domain", data: answer });
  const nonce = await readToken(chain, "nonces", owner);
  const signature = await signTypedData(provider, owner, {
    types: {
      EIP712Domain: [
        { name: "name", type: "string" },
        { name: "version", type: "string" },
        { name: "chainId", type: "uint256" },
        { name: "verifyingContract", type: "address" },
      ],
      Permit: [
        { name: "owner", type: "address" },
        { name: "spender", type: "address" },
        { name: "value", type: "uint256" },
        { name: "nonce", type: "uint256" },
        { name: "deadline", type: "uint256" },
      ],
    },
    primaryType: "Permit",
    domain: { name, version, chainId: chain.at.chainId, verifyingContract: chain.at.token },
    message: {
      owner,
      spender: chain.at.escrow,
      value: String(value),
      nonce: String(nonce),
      deadline: String(deadline),
    },
  });
  return { owner, value, nonce, deadline, signature: withUsualV(signature) };
}

/** The Authorization header that shows the permit to a gateway: docs/adr/0020. */
export function headerOf({ owner, value, nonce, deadline, signature }: Permit): string {
  return `${SCHEME} ${owner}:${value}:${nonce}:${deadline}:${signature.slice(2)}`;
}

/** The arguments that a contract takes after the terms. */
export function permitArgs({ deadline, signature }: Permit): readonly [bigint, number, Hex, Hex] {
  const { r, s } = parseSignature(signature);
  return [BigInt(deadline), Number.parseInt(signature.slice(-2), 16), r, s];
}

export async function readToken(chain: MarketChain, name: "balanceOf" | "nonces", account: Hex): Promise<bigint> {
  const data = encodeFunctionData({ abi: EdgeToken, functionName: name, args: [account] });
  return decodeFunctionResult({ abi: EdgeToken, functionName: name, data: await chain.read(chain.at.token, data) });
}

/** Some wallets end a signature with 0 or 1 where contracts want 27 or 28. */
function withUsualV(signature: Hex): Hex {
  const v = Number.parseInt(signature.slice(-2), 16);
  return v > 1 ? signature : `${signature.slice(0, -2) as Hex}${(v + 27).toString(16)}`;
}
