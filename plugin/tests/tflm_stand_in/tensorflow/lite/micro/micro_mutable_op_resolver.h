#pragma once

enum TfLiteStatus { kTfLiteOk, kTfLiteError };

namespace tflite {

template <unsigned count> struct MicroMutableOpResolver {
    unsigned known = 0;

    TfLiteStatus Add() {
        return known++ < count ? kTfLiteOk : kTfLiteError;
    }
    TfLiteStatus AddAdd() {
        return Add();
    }
    TfLiteStatus AddAveragePool2D() {
        return Add();
    }
    TfLiteStatus AddConv2D() {
        return Add();
    }
    TfLiteStatus AddDepthwiseConv2D() {
        return Add();
    }
    TfLiteStatus AddFullyConnected() {
        return Add();
    }
    TfLiteStatus AddReshape() {
        return Add();
    }
    TfLiteStatus AddSoftmax() {
        return Add();
    }
};

} // namespace tflite
