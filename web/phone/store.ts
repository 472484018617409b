/** Named values that outlive the page where the browser allows it; `lasting` says whether it does. */
export interface Store {
  readonly lasting: boolean;
  get<T>(name: string): Promise<T | undefined>;
  put(name: string, value: unknown): Promise<void>;
}

const DATABASE = "edgebounty-phone";
const TABLE = "values";

/** IndexedDB, which also keeps keys that no script can read out; memory where storage is denied. */
export async function openStore(): Promise<Store> {
  try {
    const database = await new Promise<IDBDatabase>((resolve, reject) => {
      const request = indexedDB.open(DATABASE, 1);
      request.onupgradeneeded = () => request.result.createObjectStore(TABLE);
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
      request.onblocked = () => reject(new Error("blocked by another tab"));
    });
    const store = new LastingStore(database);
    await store.put("probe", 1); // some browsers open a database and then keep nothing
    return store;
  } catch {
    return new ForgettingStore();
  }
}

class LastingStore implements Store {
  readonly lasting = true;

  constructor(private readonly database: IDBDatabase) {}

  async get<T>(name: string): Promise<T | undefined> {
    return await this.ask("readonly", (table) => table.get(name) as IDBRequest<T | undefined>);
  }

  async put(name: string, value: unknown): Promise<void> {
    await this.ask("readwrite", (table) => table.put(value, name));
  }

  /** Resolved when the transaction is complete: only then is what was written safe. */
  private ask<T>(mode: IDBTransactionMode, use: (table: IDBObjectStore) => IDBRequest<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const transaction = this.database.transaction(TABLE, mode, { durability: "strict" });
      const request = use(transaction.objectStore(TABLE));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = () => reject(transaction.error ?? new Error("the browser kept nothing"));
    });
  }
}

class ForgettingStore implements Store {
  readonly lasting = false;
  private readonly values = new Map<string, unknown>();

  async get<T>(name: string): Promise<T | undefined> {
    return this.values.get(name) as T | undefined;
  }

  async put(name: string, value: unknown): Promise<void> {
    this.values.set(name, value);
  }
}
