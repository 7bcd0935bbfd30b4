import express from 'express';
import { extractor } from 'waybill/middleware';

const waybill = extractor({ issuer: 'http://127.0.0.1', audience: 'x', caller: 'none' });
express().get('/', waybill.protect(), (request, response) => {
  response.json(request.waybill.claims);
});
