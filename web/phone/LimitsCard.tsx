import { formatBytes, formatNumber } from "../ui/format";
import { Card } from "../ui/parts";
import type { Limits } from "./rules/guards";
import { say } from "./words";

const BATTERY = [0, 0.15, 0.3, 0.5, 0.8];
const CAPS = [50e6, 200e6, 500e6, 2e9];
const DUTY = [0.25, 0.5, 0.8, 1];
const NIGHT = { from: 22 * 60, to: 7 * 60 };

export function LimitsCard({ limits, onChange }: { limits: Limits; onChange: (limits: Limits) => void }) {
  const set = (change: Partial<Limits>) => onChange({ ...limits, ...change });
  const percent = (share: number) => formatNumber(share, { style: "percent" });
  const { hours } = limits;
  return (
    <Card title={say("only.title")}>
      <Check label={say("only.charging")} on={limits.onlyCharging} onChange={(onlyCharging) => set({ onlyCharging })} />
      <Check label={say("only.wifi")} on={limits.noMobileData} onChange={(noMobileData) => set({ noMobileData })} />
      <Check label={say("only.hours")} on={hours !== null} onChange={(on) => set({ hours: on ? NIGHT : null })} />
      {hours && (
        <div class="pair">
          <Clock label={say("only.from")} minute={hours.from} onChange={(from) => set({ hours: { ...hours, from } })} />
          <Clock label={say("only.to")} minute={hours.to} onChange={(to) => set({ hours: { ...hours, to } })} />
        </div>
      )}
      <Choice
        label={say("only.battery")}
        value={limits.batteryAbove}
        options={BATTERY.map((value) => [value, percent(value)])}
        onChange={(batteryAbove) => set({ batteryAbove })}
      />
      <Choice
        label={say("only.cap")}
        value={limits.dataBytesPerDay ?? 0}
        options={[...CAPS.map((value) => [value, formatBytes(value)] as const), [0, say("only.no_cap")]]}
        onChange={(cap) => set({ dataBytesPerDay: cap || null })}
      />
      <Choice
        label={say("only.duty")}
        value={limits.dutyCycle}
        options={DUTY.map((value) => [value, percent(value)])}
        onChange={(dutyCycle) => set({ dutyCycle })}
      />
    </Card>
  );
}

function Check({ label, on, onChange }: { label: string; on: boolean; onChange: (on: boolean) => void }) {
  return (
    <label class="check">
      <span>{label}</span>
      <input type="checkbox" role="switch" checked={on} onChange={(event) => onChange(event.currentTarget.checked)} />
    </label>
  );
}

function Choice({
  label,
  value,
  options,
  onChange,
}: {
  label: string;
  value: number;
  options: readonly (readonly [number, string])[];
  onChange: (value: number) => void;
}) {
  return (
    <label class="field">
      {label}
      <select value={value} onChange={(event) => onChange(Number(event.currentTarget.value))}>
        {options.map(([option, shown]) => (
          <option value={option}>{shown}</option>
        ))}
      </select>
    </label>
  );
}

function Clock({ label, minute, onChange }: { label: string; minute: number; onChange: (minute: number) => void }) {
  const two = (value: number) => String(value).padStart(2, "0");
  return (
    <label class="field">
      {label}
      <input
        type="time"
        value={`${two(Math.floor(minute / 60))}:${two(minute % 60)}`}
        onChange={({ currentTarget: { value } }) => {
          const [hour, minutes] = value.split(":").map(Number);
          if (hour !== undefined && minutes !== undefined) onChange(60 * hour + minutes);
        }}
      />
    </label>
  );
}
