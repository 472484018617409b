import { useEffect, useState } from "preact/hooks";

import { API, type MarketDocument, openChain } from "../api/documents";
import type { PlannedJob } from "../jobs/assemble";
import type { Policy, Price } from "../jobs/price";
import { formatNumber, formatSeconds, formatTokens } from "../ui/format";
import { Card } from "../ui/parts";
import { POST_STEPS, PostingFailed, postJob, type PostProgress } from "./postJob";
import { connect, findWallets, type Wallet } from "./wallet";
import { say, sayError } from "./words";

interface WalletCardProps {
  readonly market: MarketDocument;
  readonly planned: PlannedJob;
  readonly policy: Policy;
  readonly price: Price;
  readonly onPosted: (job: bigint) => void;
}

export function WalletCard({ market, planned, policy, price, onPosted }: WalletCardProps) {
  const wallets = useWallets();
  const [progress, setProgress] = useState<PostProgress | null>(null);
  const [problem, setProblem] = useState("");

  const post = async ({ provider }: Wallet) => {
    setProblem("");
    setProgress({ step: "permit", done: 0, total: 0, waitSeconds: 0 });
    try {
      const account = await connect(provider, market.chain_id);
      const chain = await openChain();
      await chain.check();
      const posting = { market, api: API, chain, provider, account, planned, policy, price };
      const { jobId } = await postJob({ ...posting, onProgress: setProgress });
      onPosted(jobId);
    } catch (error) {
      setProblem(reasonOf(error, market.chain_id));
    }
    setProgress(null);
  };

  return (
    <Card title={say("sign")}>
      <p>{say("total", { amount: formatTokens(price.escrow) })}</p>
      <p class="quiet">{say("sign.lead")}</p>
      {!wallets.length && <p class="notice">{say("no_wallet")}</p>}
      <div class="row">
        {wallets.map((wallet) => (
          <button type="button" class="primary" disabled={progress !== null} onClick={() => void post(wallet)}>
            {say("post_with", { wallet: wallet.info.name.slice(0, 40) })}
          </button>
        ))}
      </div>
      <div role="status">{progress && <Steps {...progress} />}</div>
      {problem && (
        <p class="notice bad" role="alert" data-post="failed">
          {say("not_posted", { reason: problem })}
        </p>
      )}
    </Card>
  );
}

function Steps({ step, done, total, waitSeconds }: PostProgress) {
  const at = POST_STEPS.indexOf(step);
  return (
    <>
      <ol class="steps">
        {POST_STEPS.map((each, i) => (
          <li class={i < at ? "done" : i === at ? "now" : ""}>{say(`step.${each}`)}</li>
        ))}
      </ol>
      {step === "upload" && <p>{say("blocks", { done: formatNumber(done), total: formatNumber(total) })}</p>}
      {waitSeconds > 0 && <p>{say("waiting", { seconds: formatSeconds(waitSeconds) })}</p>}
    </>
  );
}

/** Every wallet that has announced itself. */
export function useWallets(): readonly Wallet[] {
  const [wallets, setWallets] = useState<readonly Wallet[]>([]);
  useEffect(
    () => findWallets((found) => setWallets((old) => [...old.filter((it) => it.info.uuid !== found.info.uuid), found])),
    [],
  );
  return wallets;
}

/** The reason in whole words of the chosen language, with the amounts or the chain that it is about. */
export function reasonOf(error: unknown, chain: number): string {
  const [has, needs] = (error instanceof PostingFailed && error.amounts) || [0n, 0n];
  return sayError(error, { chain, has: formatTokens(has), needs: formatTokens(needs) });
}
