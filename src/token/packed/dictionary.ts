/**
 * What DEFLATE has seen before the first byte of a body: names of services and scopes that many systems have, in
 * records as they are written. What is frequent stands at the end, where it costs least. Part of the format: a changed
 * character makes another format.
 */

/** Words alone, each with the zero behind it. */
const WORDS = `
  dashboard scheduler pipeline warehouse itinerary subscription compliance identity settings analytics tracking
  location geocoding weather translation moderation template report export import archive balance loan credit
  insurance claims policy vehicle driver dispatch wishlist coupon promotion discount loyalty rewards pricing tax
  fulfillment returns supplier purchase accounting risk permission bot events webhook sms cache database queue
  gateway backend mobile-app admin portal document:read message:send messages:list comment:write post:create like
  home page balance:read transfer:create statement:read file:read upload download seats:reserve hotels:search
  availability:check details:read register verify logout score track order:cancel price:read wishlist:add`;

/** A name and its scopes; `>` where children follow. */
const RECORDS = `
  accounts-api accounts:read transfers:write payments:create >
  transfers transfers:create entries:write
  cards cards:read card:update
  documents-api documents:read documents:write >
  storage-api files:read files:write
  bookingservice book bookings:read booking:create cancel >
  reservationservice reserve availability:read >
  hotelservice rooms:read rates:read
  flightservice seats:read seats:hold
  profileservice profiles:read profile:read
  routingservice route:find nearby
  billingservice invoice:create pay
  ledgerservice post
  media images:read video:read upload
  text-service compose
  timeline timeline:read timeline:write posts:read post feed:read
  social-graph follow followers:read
  config flags:evaluate config:read
  feature-flags evaluate
  worker jobs:run jobs:list
  queue publish
  agent chat prompt >
  tools call
  auth token:verify session:read session:create login
  user-service user:read users:read users:write
  account-service account:read profile:write
  review-service reviews:read ratings:read
  ratings ratings:list
  fraud-detection score
  audit audit:write
  content images:read pages:read
  image-provider images:read
  ads ads:read
  exchange-rates rates:read
  currencyservice currencies:list convert
  email send confirm
  notification-service notify confirm
  delivery estimate book
  shipping-service quote ship >
  customer customer:read address:read card:read
  inventory-service stock:read stock:reserve >
  price-service prices:read
  search-service search
  recommendationservice recommendations:list recommend suggest >
  payment-service charge authorize capture refund >
  basket basket:read basket:add basket:delete
  cartservice cart:read cart:add cart:empty >
  catalogue items:list item:read
  catalog-service products:read products:list product:read >
  order-service order:create orders:read orders:list order:update >
  checkoutservice order:place checkout >
  frontend-proxy products:list >`;

/**
 * Roots up to their children, and the first bytes of children that are unlike the others. Bytes that are no text are
 * percent-encoded: bundlers move constants into template literals, where a `\0` before a digit is a syntax error.
 */
const ROOTS = [
  '#%01%07@%f7%01%00http://localhost:8080%00%00login:alice%00%05api%00%00cli%00%0a',
  '#%01%07@%f7%01%00https://auth..com%00%05gateway%00%00web%00%0b',
  '#%01%07@%f7%01%00https://id..example%00%05storefront%00%00browser%00%0a',
  '#%01%07@%f7%01%00https://tokens..example%00%05frontend%00%00storefront%00%0a',
  '%00%01%80%80%80%d6%06%04%ac%02%02%01%11%000%00%00',
  '%00%10%02%01on_demand%00%00%90%08%0b%00%12%02%01region%00%00%90%08%0a',
  '%00*%90%04%0a:read%00%00(%90%04%0a:list%00%01',
].join('');

const words = WORDS.trim().replace(/\s+/g, '%00');
const records = RECORDS.trim().replace(/.+\s*/g, recordOf);

export const DICTIONARY: Uint8Array = Buffer.from(
  `${words}%00${records}${ROOTS}`.replace(/%(..)/g, (_, byte: string) =>
    String.fromCharCode(Number.parseInt(byte, 16)),
  ),
  'latin1',
);

function recordOf(line: string): string {
  const [name = '', ...rest] = line.trim().split(' ');
  const scopes = rest.filter((word) => word !== '>');
  const [begin, end] = rest.length > scopes.length ? ['*', '%00'] : ['(', ''];
  return `${name}%00${begin}%10%0${(9 + scopes.length).toString(16)}${scopes.join('%00')}%00${end}`;
}
