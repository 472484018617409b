import { useId } from "preact/hooks";

import { parseTokens, POLICIES, type Policy, priceOf, wrongShare } from "../jobs/price";
import { formatNumber, formatTokens } from "../ui/format";
import { Card } from "../ui/parts";
import { say } from "./words";

export const DECIMALS = 18;

export function PriceField({ text, onText }: { text: string; onText: (text: string) => void }) {
  const id = useId();
  return (
    <div class="row">
      <label for={id}>{say("price.slot")}</label>
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
  readonly hasBatchLane: boolean;
  readonly policy: Policy;
  readonly onPolicy: (policy: Policy) => void;
  readonly priceText: string;
  readonly onPrice: (text: string) => void;
}

/** What every policy of either lane costs in full, side by side, before anything is signed. */
export function PriceCard(props: PriceCardProps) {
  const offered = POLICIES.filter(({ lane }) => lane === "direct" || props.hasBatchLane);
  return (
    <Card title={say("price")}>
      <PriceField text={props.priceText} onText={props.onPrice} />
      <div class="scroll" role="group" aria-label={say("price")} tabIndex={0}>
        <table class="prices">
          <caption class="hidden">{say("price")}</caption>
          <thead>
            <tr>
              <th scope="col">{say("policy")}</th>
              {(["escrow", "wrong"] as const).map((head) => (
                <th scope="col" class="number">
                  {say(head)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {offered.map((each) => (
              <PriceRow {...props} policy={each} isChosen={each === props.policy} />
            ))}
          </tbody>
        </table>
      </div>
      <p class="quiet">{say("price.lead")}</p>
      <p class="quiet">{say("lane.lead")}</p>
      <p class="quiet">{say("wrong.lead")}</p>
    </Card>
  );
}

function PriceRow({ policy, isChosen, tasks, slotPrice, feeBps, onPolicy }: PriceCardProps & { isChosen: boolean }) {
  const wrong = { style: "percent", maximumSignificantDigits: 2 } as const;
  return (
    <tr>
      <th scope="row">
        <label class="choice">
          <input type="radio" name="policy" checked={isChosen} onChange={() => onPolicy(policy)} />
          {say(`policy.${policy.id}`)}
        </label>
      </th>
      <td class="number">{formatTokens(priceOf(slotPrice, tasks, policy, feeBps).escrow)}</td>
      <td class="number">{policy.lane === "batch" ? formatNumber(wrongShare(policy), wrong) : "–"}</td>
    </tr>
  );
}
