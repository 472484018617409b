import { useCallback, useEffect, useId, useState } from "preact/hooks";

import { type MarketDocument, readMarket } from "../api/documents";
import type { PlannedJob } from "../jobs/assemble";
import { parseTokens, priceOf, USUAL_POLICY } from "../jobs/price";
import { Cid, RAW } from "../protocol/cid";
import { totalTasks } from "../protocol/manifest";
import { formatBytes, formatNumber } from "../ui/format";
import { Card, Facts, Name } from "../ui/parts";
import { AnalyzeFields } from "./AnalyzeFields";
import { OwnFields } from "./OwnFields";
import { DECIMALS, PriceCard, PriceField } from "./PriceCard";
import { TrainFields } from "./TrainFields";
import { WalletCard } from "./WalletCard";
import { say } from "./words";

const KINDS = { analyze: AnalyzeFields, train: TrainFields, wasm: OwnFields } as const;
type Kind = keyof typeof KINDS;
const FIRST_WAIT_SECONDS = 2;
const LONGEST_WAIT_SECONDS = 30;

/** What the fields of a kind tell the form: a job, or why there is none. */
export type Planning = PlannedJob | { readonly problem: string } | null;

/** Three steps on one page: program and data, full price, wallet. Nothing is asked of the wallet before the price is seen. */
export function PostForm({ onPosted }: { onPosted: (job: bigint) => void }) {
  const { market, problem } = useMarket();
  const [kind, setKind] = useState<Kind>("analyze");
  const [planning, setPlanning] = useState<Planning>(null);
  const [priceText, setPriceText] = useState("0.1");
  const [policy, setPolicy] = useState(USUAL_POLICY);
  const onPlanning = useCallback((next: Planning) => setPlanning(next), []);

  const planned = planning && "manifest" in planning ? planning : null;
  const slotPrice = parseTokens(priceText, DECIMALS);
  const tasks = planned ? totalTasks(planned.manifest) : 0;
  const isPriced = market !== null && planned !== null && slotPrice !== null && slotPrice > 0n;
  const Fields = KINDS[kind];
  return (
    <>
      <h1>{say("new")}</h1>
      <p class="quiet">{say("lead")}</p>
      {problem && (
        <p class="notice" role="alert">
          {say("offline", { reason: problem })}
        </p>
      )}
      {planning && "problem" in planning && (
        <p class="notice" role="alert">
          {say("refused", { reason: planning.problem })}
        </p>
      )}
      <Card title={say("data")}>
        <KindChoice kind={kind} onKind={setKind} />
        <p class="quiet">{say(`kind.${kind}.lead`)}</p>
        <Fields key={kind} onPlanning={onPlanning} />
        {planned && <PlannedFacts planned={planned} />}
        <p class="quiet">{say("public")}</p>
      </Card>
      {isPriced && (
        <PriceCard
          tasks={tasks}
          slotPrice={slotPrice}
          feeBps={market.fee_bps}
          hasBatchLane={market.lanes?.includes("batch") ?? false}
          policy={policy}
          onPolicy={setPolicy}
          priceText={priceText}
          onPrice={setPriceText}
        />
      )}
      {!isPriced && planned && <PriceField text={priceText} onText={setPriceText} />}
      {isPriced && (
        <WalletCard
          market={market}
          planned={planned}
          policy={policy}
          price={priceOf(slotPrice, tasks, policy, market.fee_bps)}
          onPosted={onPosted}
        />
      )}
    </>
  );
}

function KindChoice({ kind, onKind }: { kind: Kind; onKind: (kind: Kind) => void }) {
  const id = useId();
  return (
    <>
      <label for={id}>{say("kind.label")}</label>
      <select id={id} value={kind} onChange={(event) => onKind(event.currentTarget.value as Kind)}>
        {(Object.keys(KINDS) as Kind[]).map((each) => (
          <option value={each}>{say(`kind.${each}`)}</option>
        ))}
      </select>
    </>
  );
}

function PlannedFacts({ planned }: { planned: PlannedJob }) {
  return (
    <Facts
      facts={[
        [say("tasks"), formatNumber(totalTasks(planned.manifest))],
        [say("upload"), formatBytes(planned.blocks.reduce((sum, block) => sum + block.bytes.length, 0))],
        [say("manifest"), <Name text={String(new Cid(RAW, planned.manifestDigest))} />],
      ]}
    />
  );
}

/** Where the market stands; asked again until it answers. */
function useMarket(): { market: MarketDocument | null; problem: string } {
  const [found, setFound] = useState<{ market: MarketDocument | null; problem: string }>({ market: null, problem: "" });
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    let isGone = false;
    const ask = async (wait: number) => {
      try {
        const market = await readMarket();
        if (!isGone) setFound({ market, problem: "" });
      } catch (error) {
        if (isGone) return;
        setFound({ market: null, problem: (error as Error).message });
        timer = setTimeout(() => void ask(Math.min(LONGEST_WAIT_SECONDS, 2 * wait)), wait * 1000);
      }
    };
    void ask(FIRST_WAIT_SECONDS);
    return () => {
      isGone = true;
      clearTimeout(timer);
    };
  }, []);
  return found;
}
