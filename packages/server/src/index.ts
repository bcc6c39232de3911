export { type AdminServiceOptions, createAdminService, storeStatus } from './admin-service.ts';
export { createCommandService } from './command-service.ts';
export {
  defaultServerConfig,
  defaultTransportConfig,
  resolveServerConfig,
  resolveTransportConfig,
  type ServerConfig,
  ServerConfigError,
  type TransportConfig,
  testServerConfig,
  testTransportConfig,
} from './config.ts';
export { routeGrpcLogs } from './grpc-logging.ts';
export { type GrpcServer, type GrpcServerOptions, startGrpcServer } from './grpc-server.ts';
export type { CallContext, CallObserver, GrpcService, RequestStream, UnaryHandler } from './grpc-service.ts';
export { decodeRequest, serveClientStream, serveUnary, serveUnimplemented, undecoded } from './grpc-service.ts';
export { GrpcTransport, type GrpcTransportOptions } from './grpc-transport.ts';
export { type HttpServer, type HttpServerOptions, type Readiness, startHttpServer } from './http-server.ts';
export { formatListenAddress, type ListenAddress, parseListenAddress } from './listen-address.ts';
export { createLocalStore, type LocalStoreCalls } from './local-store.ts';
export { createMachineService } from './machine-service.ts';
export { createOperatorService, type OperatorServiceOptions } from './operator-service.ts';
export { createRawBatchService } from './raw-batch-service.ts';
export { RequestError, type RequestErrorCode, statusOf } from './request-error.ts';
export { createSchedulerMetrics, type SchedulerMetrics } from './scheduler-metrics.ts';
export { createSchedulerService, type SchedulerServiceOptions } from './scheduler-service.ts';
export type { LocalStream } from './served-streams.ts';
export { ServerError, type ServerErrorCode } from './server-error.ts';
export { SnapshotSendError, type SnapshotSendErrorCode } from './snapshot-sender.ts';
export { type MeasuredStore, registerCallMetrics, registerStoreMetrics } from './store-metrics.ts';
export { createTinyKvService, type TinyKvServiceOptions } from './tinykv-service.ts';
export type { StoreResolver } from './transport-stream.ts';
