import { useEffect, useId, useState } from "preact/hooks";

import { API, type MarketDocument, openChain, readMarket } from "../api/documents";
import { planAnalyze, type PlannedJob, type ProgramPair, programName, rowsPerShard } from "../jobs/planAnalyze";
import { parseTokens, POLICIES, type Policy, type Price, priceOf } from "../jobs/price";
import { readTable, type Table } from "../jobs/readTable";
import { Cid, RAW } from "../protocol/cid";
import { totalTasks } from "../protocol/manifest";
import { formatBytes, formatNumber, formatTokens } from "../ui/format";
import { Card, Facts, Name } from "../ui/parts";
import { t } from "../ui/words";
import { POST_STEPS, postJob, type PostStep } from "./postJob";
import { loadProgram } from "./programs";
import { connect, findWallets, type Wallet } from "./wallet";

const DECIMALS = 18;
const USUAL_SHARDS = 3;
const TASK_SECONDS = 60;
const DEADLINE_SECONDS = 3600;

interface Data {
  readonly name: string;
  readonly table: Table;
  readonly pair: ProgramPair;
}

/** Three steps on one page: data and program, full price, wallet. Nothing is asked of the wallet before the price is seen. */
export function PostForm({ onPosted }: { onPosted: (job: bigint) => void }) {
  const [market, setMarket] = useState<MarketDocument | null>(null);
  const [data, setData] = useState<Data | null>(null);
  const [shards, setShards] = useState(USUAL_SHARDS);
  const [planned, setPlanned] = useState<PlannedJob | null>(null);
  const [priceText, setPriceText] = useState("0.1");
  const [policy, setPolicy] = useState<Policy>(POLICIES[1] as Policy);
  const [problem, setProblem] = useState("");

  useEffect(() => {
    readMarket().then(setMarket, (error: Error) => setProblem(error.message));
  }, []);
  useEffect(() => {
    let gone = false;
    setPlanned(null);
    if (data) {
      planAnalyze(data.table, data.pair, shards).then(
        (plan) => {
          if (gone) return;
          setPlanned(plan);
          setProblem("");
        },
        (error: Error) => !gone && setProblem(error.message),
      );
    }
    return () => {
      gone = true;
    };
  }, [data, shards]);

  const take = async (file: File | undefined) => {
    if (!file) return;
    try {
      const table = readTable(await file.text());
      const pair = await loadProgram(programName(table));
      const needed = Math.ceil(table.rows / rowsPerShard(table, pair));
      setShards(Math.min(table.rows, Math.max(needed, USUAL_SHARDS)));
      setData({ name: file.name, table, pair });
      setProblem("");
    } catch (error) {
      setData(null);
      setProblem((error as Error).message);
    }
  };

  const slotPrice = parseTokens(priceText, DECIMALS);
  const tasks = planned ? totalTasks(planned.manifest) : 0;
  const isPriced = market !== null && planned !== null && slotPrice !== null && slotPrice > 0n;
  return (
    <>
      <h1>{t("req.new")}</h1>
      <p class="quiet">{t("req.lead")}</p>
      {problem && (
        <p class="notice" role="alert">
          {problem}
        </p>
      )}
      <DataCard data={data} planned={planned} shards={shards} onFile={take} onShards={setShards} />
      {isPriced && (
        <PriceCard
          tasks={tasks}
          slotPrice={slotPrice}
          feeBps={market.fee_bps}
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

interface DataCardProps {
  readonly data: Data | null;
  readonly planned: PlannedJob | null;
  readonly shards: number;
  readonly onFile: (file: File | undefined) => Promise<void>;
  readonly onShards: (shards: number) => void;
}

function DataCard({ data, planned, shards, onFile, onShards }: DataCardProps) {
  const fileId = useId();
  const shardsId = useId();
  return (
    <Card title={t("req.data")}>
      <p class="quiet">{t("req.program")}</p>
      <label for={fileId}>{t("req.file")}</label>
      <input
        id={fileId}
        type="file"
        accept=".csv,text/csv"
        onChange={(event) => void onFile(event.currentTarget.files?.[0])}
      />
      {data && (
        <>
          <label for={shardsId}>{t("req.shards")}</label>
          <input
            id={shardsId}
            class="short"
            type="number"
            min={1}
            max={data.table.rows}
            value={shards}
            onInput={(event) => onShards(Math.trunc(Number(event.currentTarget.value)))}
          />
        </>
      )}
      {data && planned && (
        <Facts
          facts={[
            [t("req.rows"), formatNumber(data.table.rows)],
            [t("req.columns"), formatNumber(data.table.columns.length)],
            [t("job.tasks"), formatNumber(totalTasks(planned.manifest))],
            [t("req.upload"), formatBytes(planned.blocks.reduce((sum, block) => sum + block.bytes.length, 0))],
            [t("job.manifest"), <Name text={String(new Cid(RAW, planned.manifestDigest))} />],
          ]}
        />
      )}
    </Card>
  );
}

function PriceField({ text, onText }: { text: string; onText: (text: string) => void }) {
  const id = useId();
  return (
    <div class="row">
      <label for={id}>{t("job.slot_price")}</label>
      <input
        id={id}
        class="short"
        inputMode="decimal"
        value={text}
        aria-invalid={parseTokens(text, DECIMALS) === null}
        onInput={(event) => onText(event.currentTarget.value)}
      />
    </div>
  );
}

interface PriceCardProps {
  readonly tasks: number;
  readonly slotPrice: bigint;
  readonly feeBps: number;
  readonly policy: Policy;
  readonly onPolicy: (policy: Policy) => void;
  readonly priceText: string;
  readonly onPrice: (text: string) => void;
}

/** What every policy costs in full, side by side, before anything is signed. */
function PriceCard({ tasks, slotPrice, feeBps, policy, onPolicy, priceText, onPrice }: PriceCardProps) {
  return (
    <Card title={t("req.price")}>
      <PriceField text={priceText} onText={onPrice} />
      <div class="scroll" role="group" aria-label={t("req.price")} tabIndex={0}>
        <table>
          <caption class="hidden">{t("req.price")}</caption>
          <thead>
            <tr>
              <th scope="col">{t("req.policy")}</th>
              <th scope="col" class="number">
                {t("job.quorum")}
              </th>
              <th scope="col" class="number">
                {t("req.slots")}
              </th>
              <th scope="col" class="number">
                {t("req.escrow")}
              </th>
            </tr>
          </thead>
          <tbody>
            {POLICIES.map((each) => (
              <tr>
                <th scope="row">
                  <label class="choice">
                    <input type="radio" name="policy" checked={each === policy} onChange={() => onPolicy(each)} />
                    {t(`req.policy.${each.name}`)}
                  </label>
                </th>
                <td class="number">{formatNumber(each.quorum)}</td>
                <td class="number">{formatNumber(each.slots)}</td>
                <td class="number">{formatTokens(priceOf(slotPrice, tasks, each, feeBps).escrow)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p class="quiet">{t("req.price_lead")}</p>
    </Card>
  );
}

interface WalletCardProps {
  readonly market: MarketDocument;
  readonly planned: PlannedJob;
  readonly policy: Policy;
  readonly price: Price;
  readonly onPosted: (job: bigint) => void;
}

function WalletCard({ market, planned, policy, price, onPosted }: WalletCardProps) {
  const [wallets, setWallets] = useState<readonly Wallet[]>([]);
  const [step, setStep] = useState<PostStep | null>(null);
  const [problem, setProblem] = useState("");
  useEffect(
    () => findWallets((found) => setWallets((old) => [...old.filter((it) => it.info.uuid !== found.info.uuid), found])),
    [],
  );

  const post = async ({ provider }: Wallet) => {
    setProblem("");
    try {
      setStep("upload_permission");
      const account = await connect(provider, market.chain_id);
      const chain = await openChain();
      const onStep = (next: PostStep) => setStep(next);
      const times = { taskSeconds: TASK_SECONDS, deadlineSeconds: DEADLINE_SECONDS };
      const { jobId } = await postJob({
        market,
        api: API,
        chain,
        provider,
        account,
        planned,
        policy,
        price,
        ...times,
        onStep,
      });
      onPosted(jobId);
    } catch (error) {
      setProblem((error as Error).message);
    }
    setStep(null);
  };

  return (
    <Card title={t("req.sign")}>
      <p>{t("req.total", { amount: formatTokens(price.escrow) })}</p>
      <p class="quiet">{t("req.sign_lead")}</p>
      {!wallets.length && <p class="notice">{t("req.no_wallet")}</p>}
      <div class="row">
        {wallets.map((wallet) => (
          <button type="button" class="primary" disabled={step !== null} onClick={() => void post(wallet)}>
            {t("req.post_with", { wallet: wallet.info.name.slice(0, 40) })}
          </button>
        ))}
      </div>
      <div role="status">
        {step && (
          <ol class="steps">
            {POST_STEPS.map((each) => (
              <li class={POST_STEPS.indexOf(each) < POST_STEPS.indexOf(step) ? "done" : each === step ? "now" : ""}>
                {t(`req.step.${each}`)}
              </li>
            ))}
          </ol>
        )}
      </div>
      {problem && (
        <p class="notice bad" role="alert" data-post="failed">
          {t("req.not_posted", { reason: problem })}
        </p>
      )}
    </Card>
  );
}
