// What a CPU-only build of torch lacks to run autograd over pretended CUDA tensors: a device guard and hooks that do nothing.
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <cstdlib>

namespace {
using namespace c10;
thread_local DeviceIndex current = 0;
thread_local StreamId stream_of[8] = {0};

DeviceIndex count() {
  const char* told = std::getenv("PRETEND_GPUS");
  return told ? static_cast<DeviceIndex>(std::atoi(told)) : 2;
}

struct Guard final : impl::DeviceGuardImplInterface {
  DeviceType type() const override { return DeviceType::CUDA; }
  Device exchangeDevice(Device d) const override { Device old(DeviceType::CUDA, current); setDevice(d); return old; }
  Device getDevice() const override { return Device(DeviceType::CUDA, current); }
  void setDevice(Device d) const override { if (d.index() >= 0) current = d.index(); }
  void uncheckedSetDevice(Device d) const noexcept override { if (d.index() >= 0) current = d.index(); }
  Stream getStream(Device d) const override {
    DeviceIndex i = d.index() < 0 ? current : d.index();
    return Stream(Stream::UNSAFE, Device(DeviceType::CUDA, i), stream_of[i]);
  }
  Stream getDefaultStream(Device d) const override { return Stream(Stream::DEFAULT, Device(DeviceType::CUDA, d.index() < 0 ? current : d.index())); }
  Stream getNewStream(Device d, int) const override { static StreamId next = 1; return Stream(Stream::UNSAFE, Device(DeviceType::CUDA, d.index() < 0 ? current : d.index()), next++); }
  Stream exchangeStream(Stream s) const override {
    Stream old = getStream(s.device()); stream_of[s.device_index()] = s.id(); return old;
  }
  DeviceIndex deviceCount() const noexcept override { return count(); }
  void record(void** e, const Stream&, const DeviceIndex, const EventFlag) const override { *e = reinterpret_cast<void*>(1); }
  void block(void*, const Stream&) const override {}
  bool queryEvent(void*) const override { return true; }
  void destroyEvent(void*, const DeviceIndex) const noexcept override {}
  bool queryStream(const Stream&) const override { return true; }
  void synchronizeStream(const Stream&) const override {}
  void synchronizeEvent(void*) const override {}
  void synchronizeDevice(const DeviceIndex) const override {}
  void recordDataPtrOnStream(const DataPtr&, const Stream&) const override {}
};
} // namespace

namespace c10::impl { C10_REGISTER_GUARD_IMPL(CUDA, Guard); }

namespace at {
struct Hooks final : CUDAHooksInterface {
  explicit Hooks(CUDAHooksArgs) {}
  void init() const override {}
  bool hasCUDA() const override { return true; }
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  bool hasPrimaryContext(DeviceIndex) const override { return true; }
  DeviceIndex current_device() const override { return current; }
  DeviceIndex deviceCount() const override { return count(); }
  DeviceIndex getCurrentDevice() const override { return current; }
  void setCurrentDevice(DeviceIndex d) const override { current = d; }
  DeviceIndex exchangeDevice(DeviceIndex d) const override { DeviceIndex old = current; current = d; return old; }
  DeviceIndex maybeExchangeDevice(DeviceIndex d) const override { return exchangeDevice(d); }
  int getNumGPUs() const override { return count(); }
  bool compiledWithCuDNN() const override { return true; }
  bool hasCuDNN() const override { return true; }
  long versionCuDNN() const override { return 91002; }
  long versionRuntimeCuDNN() const override { return 91002; }
  bool supportsDilatedConvolutionWithCuDNN() const override { return true; }
  bool supportsDepthwiseConvolutionWithCuDNN() const override { return true; }
  bool supportsBFloat16ConvolutionWithCuDNNv8() const override { return true; }
  double batchnormMinEpsilonCuDNN() const override { return 1e-5; }
  void deviceSynchronize(DeviceIndex) const override {}
  Allocator* getPinnedMemoryAllocator() const override { return c10::GetAllocator(DeviceType::CPU); } // nothing needs pinning here
};
using Hooks_ = Hooks;
C10_REGISTER_CLASS(CUDAHooksRegistry, CUDAHooks, Hooks)
} // namespace at
