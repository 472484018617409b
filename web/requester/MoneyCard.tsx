import { useEffect, useId, useState } from "preact/hooks";

import { openChain, readMarket } from "../api/documents";
import { parseAddress } from "../protocol/address";
import type { Hex } from "../protocol/bytes";
import { formatTokens, shorten } from "../ui/format";
import { Card, Facts } from "../ui/parts";
import { doMoney, type Money, type MoneyAct, readMoney } from "./money";
import { reasonOf, useWallets } from "./WalletCard";
import { connect, type Wallet } from "./wallet";
import { say } from "./words";

const SECONDS = 3;

interface Owner {
  readonly wallet: Wallet;
  readonly account: Hex;
}

/** Stopping the job, and fetching what it did not need: from the escrow alone, whatever the orchestrator says. */
export function MoneyCard({ job, isOver }: { job: number; isOver: boolean }) {
  const wallets = useWallets();
  const [owner, setOwner] = useState<Owner | null>(null);
  const [problem, setProblem] = useState("");
  const enter = async (wallet: Wallet) => {
    setProblem("");
    const { chain_id } = await readMarket();
    try {
      setOwner({ wallet, account: await connect(wallet.provider, chain_id) });
    } catch (error) {
      setProblem(reasonOf(error, chain_id));
    }
  };
  return (
    <Card title={say("money")}>
      <p class="quiet">{say("money.lead")}</p>
      {!wallets.length && <p class="notice">{say("no_wallet")}</p>}
      {!owner && (
        <div class="row">
          {wallets.map((wallet) => (
            <button type="button" onClick={() => void enter(wallet)}>
              {say("connect", { wallet: wallet.info.name.slice(0, 40) })}
            </button>
          ))}
        </div>
      )}
      {problem && (
        <p class="notice bad" role="alert">
          {say("not_done", { reason: problem })}
        </p>
      )}
      {owner && <Acts job={BigInt(job)} isOver={isOver} {...owner} />}
    </Card>
  );
}

function Acts({ job, isOver, wallet, account }: Owner & { job: bigint; isOver: boolean }) {
  const [text, setText] = useState<string>(account);
  const [said, setSaid] = useState<{ isRight: boolean; text: string } | null>(null);
  const [isBusy, setBusy] = useState(false);
  const [money, readAgain] = useMoney(job, account);
  const receiver = receiverOf(text);
  const id = useId();

  const run = async (act: MoneyAct) => {
    if (!receiver) return;
    setBusy(true);
    try {
      const about = { job, receiver: receiver.address };
      const hash = await doMoney(await openChain(), wallet.provider, account, act, about);
      setSaid({ isRight: true, text: say("money.done", { hash: shorten(hash) }) });
    } catch (error) {
      setSaid({ isRight: false, text: say("not_done", { reason: reasonOf(error, (await readMarket()).chain_id) }) });
    }
    setBusy(false);
    readAgain();
  };
  const mayStop = !isOver && money?.isStopped === false && money.requester.toLowerCase() === account.toLowerCase();
  return (
    <>
      <Facts
        facts={[
          [say("refundable"), money ? formatTokens(money.refundable) : "–"],
          [say("credit"), money ? formatTokens(money.credit) : "–"],
        ]}
      />
      <label for={id}>{say("receiver")}</label>
      <input
        id={id}
        value={text}
        spellcheck={false}
        autocomplete="off"
        dir="ltr"
        aria-invalid={receiver === null}
        aria-describedby={`${id}-said`}
        onInput={(event) => setText(event.currentTarget.value)}
      />
      <p id={`${id}-said`} class={receiver ? "quiet" : "bad"}>
        {receiver === null ? say("receiver.wrong") : receiver.checked ? "" : say("receiver.unchecked")}
      </p>
      <div class="row">
        <button type="button" disabled={isBusy || !mayStop} onClick={() => void run("stop")}>
          {say("stop")}
        </button>
        <button type="button" disabled={isBusy || !money?.refundable} onClick={() => void run("collect")}>
          {say("collect")}
        </button>
        <button
          type="button"
          class="primary"
          disabled={isBusy || !money?.credit || !receiver}
          onClick={() => void run("withdraw")}
        >
          {say("withdraw")}
        </button>
      </div>
      <div role="status">{said && <p class={said.isRight ? "good" : "bad"}>{said.text}</p>}</div>
    </>
  );
}

/** What the escrow says now and again; the second value asks at once. */
function useMoney(job: bigint, account: Hex): [Money | null, () => void] {
  const [money, setMoney] = useState<Money | null>(null);
  const [asked, setAsked] = useState(0);
  useEffect(() => {
    let isGone = false;
    const ask = async () => {
      try {
        const found = await readMoney(await openChain(), job, account);
        if (!isGone) setMoney(found);
      } catch {
        // the board above says that the node does not answer
      }
    };
    void ask();
    const timer = setInterval(() => void ask(), SECONDS * 1000);
    return () => {
      isGone = true;
      clearInterval(timer);
    };
  }, [job, account, asked]);
  return [money, () => setAsked((count) => count + 1)];
}

function receiverOf(text: string): { address: Hex; checked: boolean } | null {
  try {
    return parseAddress(text);
  } catch {
    return null;
  }
}
