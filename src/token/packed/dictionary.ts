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

/** Roots as far as their children, and how children begin that are not like the others. */
const ROOTS = [
  '#\x01\x07@\xf7\x01\0http://localhost:8080\0\0login:alice\0\x05api\0\0cli\0\x0a',
  '#\x01\x07@\xf7\x01\0https://auth..com\0\x05gateway\0\0web\0\x0b',
  '#\x01\x07@\xf7\x01\0https://id..example\0\x05storefront\0\0browser\0\x0a',
  '#\x01\x07@\xf7\x01\0https://tokens..example\0\x05frontend\0\0storefront\0\x0a',
  '\0\x01\x80\x80\x80\xd6\x06\x04\xac\x02\x02\x01\x11\x000\0\0',
  '\0\x10\x02\x01on_demand\0\0\x90\x08\x0b\0\x12\x02\x01region\0\0\x90\x08\x0a',
  '\0*\x90\x04\x0a:read\0\0(\x90\x04\x0a:list\0\x01',
];

const words = WORDS.trim().split(/\s+/);
const records = RECORDS.trim().split(/\n\s*/).map(recordOf);

export const DICTIONARY: Uint8Array = Buffer.from(
  `${words.join('\0')}\0${records.join('')}${ROOTS.join('')}`,
  'latin1',
);

function recordOf(line: string): string {
  const [name = '', ...rest] = line.split(' ');
  const scopes = rest.filter((word) => word !== '>');
  const begin = rest.length > scopes.length ? '*' : '(';
  const end = rest.length > scopes.length ? '\0' : '';
  return `${name}\0${begin}\x10${String.fromCharCode(9 + scopes.length)}${scopes.join('\0')}\0${end}`;
}
