import { useEffect, useState } from "preact/hooks";

import type { ProgramPair } from "../jobs/assemble";
import { planAnalyze, programName, rowsPerShard } from "../jobs/planAnalyze";
import { readTable, type Table } from "../jobs/readTable";
import { formatNumber } from "../ui/format";
import { Facts } from "../ui/parts";
import { FileField, NumberField } from "./fields";
import type { Planning } from "./PostForm";
import { loadProgram } from "./programs";
import { say } from "./words";

const USUAL_SHARDS = 3;

interface Data {
  readonly table: Table;
  readonly pair: ProgramPair;
}

/** Statistics of a table. */
export function AnalyzeFields({ onPlanning }: { onPlanning: (planning: Planning) => void }) {
  const [data, setData] = useState<Data | null>(null);
  const [shards, setShards] = useState(USUAL_SHARDS);
  useEffect(() => {
    let isGone = false;
    onPlanning(null);
    if (data) {
      planAnalyze(data.table, data.pair, shards).then(
        (planned) => !isGone && onPlanning(planned),
        (error: Error) => !isGone && onPlanning({ problem: error.message }),
      );
    }
    return () => {
      isGone = true;
    };
  }, [data, shards]);

  const take = async ([file]: readonly File[]) => {
    if (!file) return;
    try {
      const table = readTable(await file.text());
      const pair = await loadProgram(programName(table));
      const needed = Math.ceil(table.rows / rowsPerShard(table, pair));
      setShards(Math.min(table.rows, Math.max(needed, USUAL_SHARDS)));
      setData({ table, pair });
    } catch (error) {
      setData(null);
      onPlanning({ problem: (error as Error).message });
    }
  };
  return (
    <>
      <FileField label={say("file")} accept=".csv,text/csv" onFiles={take} />
      {data && (
        <>
          <NumberField label={say("shards")} least={1} most={data.table.rows} value={shards} onValue={setShards} />
          <Facts
            facts={[
              [say("rows"), formatNumber(data.table.rows)],
              [say("columns"), formatNumber(data.table.columns.length)],
            ]}
          />
        </>
      )}
    </>
  );
}
