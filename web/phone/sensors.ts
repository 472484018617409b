import type { Seen } from "./rules/guards";

interface Battery extends EventTarget {
  readonly charging: boolean;
  readonly level: number;
}

interface Network extends EventTarget {
  readonly type?: string;
  readonly saveData?: boolean;
}

type Device = Navigator & { getBattery?(): Promise<Battery>; connection?: Network };
export type Sensed = Pick<Seen, "now" | "minuteOfDay" | "onScreen" | "online" | "charging" | "battery" | "mobileData">;

/** What this browser tells of its device; null where it tells nothing (iOS and Firefox have no battery, no network). */
export class Sensors {
  private battery: Battery | null = null;
  private readonly network = (navigator as Device).connection;

  /** Calls `onChange` whenever something that can stop the work may have changed. */
  async watch(onChange: () => void): Promise<void> {
    document.addEventListener("visibilitychange", onChange);
    addEventListener("online", onChange);
    addEventListener("offline", onChange);
    this.network?.addEventListener("change", onChange);
    try {
      this.battery = (await (navigator as Device).getBattery?.()) ?? null;
    } catch {
      // A policy may forbid it: then it is asked about, as where there is none.
    }
    this.battery?.addEventListener("chargingchange", onChange);
    this.battery?.addEventListener("levelchange", onChange);
    onChange();
  }

  read(): Sensed {
    const date = new Date();
    return {
      now: date.getTime() / 1000,
      minuteOfDay: 60 * date.getHours() + date.getMinutes(),
      onScreen: document.visibilityState === "visible",
      online: navigator.onLine,
      charging: this.battery && this.battery.charging,
      battery: this.battery && this.battery.level,
      mobileData: this.mobileData(),
    };
  }

  private mobileData(): boolean | null {
    if (this.network?.saveData) return true; // its owner asked to spare data
    switch (this.network?.type) {
      case "cellular":
      case "wimax":
        return true;
      case "wifi":
      case "ethernet":
        return false;
      default:
        return null;
    }
  }
}

/** Keeps the screen on while wanted and the page is shown; the system takes it back whenever the page is hidden. */
export class ScreenLock {
  private lock: WakeLockSentinel | null = null;
  private wanted = false;

  constructor() {
    document.addEventListener("visibilitychange", () => void this.hold());
  }

  want(wanted: boolean): void {
    this.wanted = wanted;
    void this.hold();
  }

  private async hold(): Promise<void> {
    if (!this.wanted) {
      const held = this.lock;
      this.lock = null;
      await held?.release();
      return;
    }
    if (document.visibilityState !== "visible" || (this.lock && !this.lock.released)) return;
    try {
      this.lock = (await (navigator as { wakeLock?: WakeLock }).wakeLock?.request("screen")) ?? null;
    } catch {
      // Refused when the battery is low; asked again when the page is next shown.
    }
  }
}
