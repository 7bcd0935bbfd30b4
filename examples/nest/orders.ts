/** A Nest service: two protected routes, one of which calls another service. */
import { Controller, Get, Module, Post, Req, type Type } from '@nestjs/common';
import type { Request } from 'express';
import type { Extractor } from 'waybill/middleware';
import { Protect } from 'waybill/middleware/nest';

/**
 * @param stock the address of the service `stock`.
 * @returns the module of the application.
 */
export function orders(waybill: Extractor, stock: string): Type {
  @Controller('orders')
  class Orders {
    @Get()
    @Protect(waybill, { scope: 'order:read' })
    list(@Req() request: Request): object {
      return { customer: request.waybill.claims.client_id, orders: [] };
    }

    @Post()
    @Protect(waybill, { scope: 'order:place' })
    async place(@Req() request: Request): Promise<object> {
      const answer = await waybill.fetch(`${stock}/reservations`, { method: 'POST' });
      return { customer: request.waybill.claims.client_id, stock: await answer.json() };
    }
  }

  @Module({ controllers: [Orders] })
  class Shop {}
  return Shop;
}
