import { useEffect, useId, useState } from "preact/hooks";

import { NETWORKS, type Network, planTrain, sizesOf } from "../jobs/planTrain";
import { readTable, type Table } from "../jobs/readTable";
import { formatNumber } from "../ui/format";
import { FileField, NumberField } from "./fields";
import type { Planning } from "./PostForm";
import { loadProgram } from "./programs";
import { say } from "./words";

const USUAL = { rounds: 3, shards: 2, epochs: 1, learningRate: 0.1 };

/** Training one of the page's networks on a table with labels. */
export function TrainFields({ onPlanning }: { onPlanning: (planning: Planning) => void }) {
  const [table, setTable] = useState<Table | null>(null);
  const [network, setNetwork] = useState<Network>(NETWORKS[0]);
  const [wishes, setWishes] = useState(USUAL);
  const networkId = useId();
  useEffect(() => {
    let isGone = false;
    onPlanning(null);
    if (table) {
      loadProgram(network)
        .then((pair) => planTrain(table, pair, { network, ...wishes }))
        .then(
          (planned) => !isGone && onPlanning(planned),
          (error: Error) => !isGone && onPlanning({ problem: error.message }),
        );
    }
    return () => {
      isGone = true;
    };
  }, [table, network, wishes]);

  const take = async ([file]: readonly File[]) => {
    if (!file) return;
    try {
      const read = readTable(await file.text());
      setNetwork(NETWORKS.find((each) => sizesOf(each)[0] === read.columns.length - 1) ?? network);
      setTable(read);
    } catch (error) {
      setTable(null);
      onPlanning({ problem: (error as Error).message });
    }
  };
  const field = (name: keyof typeof USUAL, label: string, isWhole = true) => (
    <NumberField
      label={label}
      least={isWhole ? 1 : 0}
      isWhole={isWhole}
      value={wishes[name]}
      onValue={(value) => setWishes((old) => ({ ...old, [name]: value }))}
    />
  );
  return (
    <>
      <label for={networkId}>{say("model")}</label>
      <select id={networkId} value={network} onChange={(event) => setNetwork(event.currentTarget.value as Network)}>
        {NETWORKS.map((each) => (
          <option value={each}>{nameOf(each)}</option>
        ))}
      </select>
      <FileField label={say("file")} accept=".csv,text/csv" onFiles={take} />
      {field("rounds", say("rounds"))}
      {field("shards", say("shards"))}
      {field("epochs", say("epochs"))}
      {field("learningRate", say("rate"), false)}
    </>
  );
}

function nameOf(network: Network): string {
  const [inputs, hidden, classes] = sizesOf(network).map((size) => formatNumber(size));
  return say("model.sizes", { inputs: inputs ?? "", hidden: hidden ?? "", classes: classes ?? "" });
}
