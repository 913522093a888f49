/**
 * What language models can do and what they cost.
 *
 * @module
 */
import * as CatalogModule from "./Catalog.ts"
import * as CostModule from "./Cost.ts"

export const Catalog = CatalogModule
export type Catalog = CatalogModule.Catalog

export const Cost = CostModule
export type Cost = CostModule.Cost

export type { Comparison, Difference, OverrideInput, Query } from "./Catalog.ts"
export type { CostJson, CostOptions } from "./Cost.ts"
export type { Capability, Mode, Model, PriceList, Prices, Rates, SearchPrice, Service, Tier } from "./Model.ts"
